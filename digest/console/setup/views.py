"""The first pages of a first run: the account and the publication."""

from typing import Any

from django.contrib.auth import login
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache

from digest.accounts import first_account
from digest.console.access import record_action, scope_of, user_of
from digest.console.pages import form_view, get_or_post, page_view, problems_on, render_page
from digest.console.setup import steps
from digest.console.setup.forms import AccountForm, PublicationForm
from digest.console.setup.steps import Step
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters import contributions, setup, suggesting
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter, Publication
from digest.rendering.themes.branding import publication_theme

_PASSWORDS = "allauth.account.auth_backends.AuthenticationBackend"
_FIELDS = (
    *("name", "url", "postal_address", "logo_url", "accent", "accent_dark", "language"),
    "tracking",
)


@page_view(Right.MANAGE, everywhere=True)
def start(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's
    """Redirect to the next step that is not done."""
    publication, step = steps.left()
    return redirect(steps.url_of(step, publication))


@get_or_post
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    """Create the first account, with the setup code that the terminal shows."""
    if not first_account.is_missing():
        raise Http404
    code = request.POST.get("code") or request.GET.get("code", "")
    form = AccountForm(request.POST or None, initial={"code": code})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        with problems_on(form, "code"):
            user = first_account.create(
                code.strip(), values["email"], values["password"], clock.now()
            )
            login(request, user, backend=_PASSWORDS)
            record_action(request, "created the first account", user)
            return redirect("home" if Newsletter.objects.exists() else "setup:start")
    return page(request, Step.ACCOUNT, None, form=form, code_accepted=_is_valid(code))


@form_view(Right.MANAGE, everywhere=True)
def begin(request: HttpRequest) -> HttpResponse:
    """Set up a publication."""
    return _publication_step(request, None, PublicationForm(request.POST or None))


@form_view(Right.MANAGE, everywhere=True)
def publication(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a publication."""
    row = get_publication(request, pk)
    initial = {name: getattr(row, name) for name in (*_FIELDS, "timezone")}
    if not row.accent_dark:  # the one that mails derive
        initial["accent_dark"] = publication_theme(row, "ltr").night.brand
    return _publication_step(request, row, PublicationForm(request.POST or None, initial=initial))


def _publication_step(request: HttpRequest, row: Publication | None, form: Form) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            saved = _save_publication(request, row, _without_derived(row, form))
            return redirect("setup:sender", saved.pk)
    return page(request, Step.PUBLICATION, row, form=form)


def _without_derived(row: Publication | None, form: Form) -> dict[str, Any]:
    """Return what a form chose: no colour for dark mode where nobody changed the one it shows."""
    values = dict(form.cleaned_data)
    was_derived = row is None or not row.accent_dark
    if was_derived and "accent_dark" not in form.changed_data:
        values["accent_dark"] = ""
    return values


def _save_publication(
    request: HttpRequest, row: Publication | None, values: dict[str, Any]
) -> Publication:
    row = row or _unfinished(values["name"], values["url"])
    if row is not None:
        with contributions.noted(user_of(request), row):
            setup.change_publication(row, **values)
        record_action(request, "changed the publication", row, row.pk)
        return row
    created = setup.create_publication(
        slug=suggesting.free_slug(Publication, values["name"], values["url"]),
        sender_email=suggesting.sender(values["url"]) or user_of(request).email,
        now=clock.now(),
        **values,
    )
    contributions.note(user_of(request), created)
    record_action(request, "set up a publication", created, created.pk)
    return created


def _unfinished(name: str, url: str) -> Publication | None:
    """Return what a first press of the button, or one before Back, has set up already."""
    rows = Publication.objects.filter(newsletters=None, name=name, url=url)
    return rows.order_by("-pk").first()


def get_publication(request: HttpRequest, pk: int) -> Publication:
    """Return a publication that the user manages, or raise Http404."""
    publications = scope_of(request, Right.MANAGE).publications()
    publication: Publication = get_object_or_404(publications, pk=pk)
    return publication


def page(
    request: HttpRequest,
    step: Step,
    publication: Publication | None,
    form: Form | None = None,
    template: str = "",
    **context: Any,
) -> HttpResponse:
    """Show a step of the first run; its template is named after the step, or `template`."""
    values = {
        "is_nav_sidebar_enabled": False,
        "step": step,
        "steps": steps.marks(publication, step),
        "last": len(steps.ORDER),
        "publication": publication,
        "form": form,
        **context,
    }
    name = template or step.name.lower()
    return render_page(request, f"console/setup/{name}.html", step.value, values)


def _is_valid(code: str) -> bool:
    try:
        first_account.check_code(code.strip(), clock.now())
    except DigestError:
        return False
    return True
