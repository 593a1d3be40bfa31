"""The first pages of a first run: the account and the publication."""

from typing import Any

from django.contrib.auth import login
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache

from digest.accounts import first_account
from digest.console.access import form_view, get_or_post, page_view, record_action, scope_of
from digest.console.pages import render_page
from digest.console.setup import steps
from digest.console.setup.forms import AccountForm, PublicationForm
from digest.console.setup.steps import Step
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters import setup, suggesting
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter, Publication

_PASSWORDS = "allauth.account.auth_backends.AuthenticationBackend"
_FIELDS = ("name", "url", "postal_address", "logo_url", "accent", "accent_dark", "language")


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
        try:
            user = first_account.create(
                code.strip(), values["email"], values["password"], clock.now()
            )
        except DigestError as problem:
            form.add_error("code", str(problem))
        else:
            login(request, user, backend=_PASSWORDS)
            return redirect("home" if Newsletter.objects.exists() else "setup:start")
    return page(request, Step.ACCOUNT, None, form=form, code_accepted=_is_valid(code))


@form_view(Right.MANAGE, everywhere=True)
def begin(request: HttpRequest) -> HttpResponse:
    """Set up a publication."""
    form = PublicationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values, now = form.cleaned_data, clock.now()
        try:
            publication = setup.create_publication(
                slug=suggesting.free_slug(Publication, values["name"], values["url"]),
                sender_email=suggesting.sender(values["url"]) or request.user.email,  # type: ignore[union-attr]
                now=now,
                **values,
            )
        except DigestError as problem:
            form.add_error(None, str(problem))
        else:
            record_action(request, "set up a publication", publication, publication.pk)
            return redirect("setup:sender", publication.pk)
    return page(request, Step.PUBLICATION, None, form=form)


@form_view(Right.MANAGE, everywhere=True)
def publication(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a publication."""
    row = get_publication(request, pk)
    initial = {name: getattr(row, name) for name in (*_FIELDS, "timezone")}
    form = PublicationForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            setup.change_publication(row, **form.cleaned_data)
        except DigestError as problem:
            form.add_error(None, str(problem))
        else:
            record_action(request, "changed the publication", row, row.pk)
            return redirect("setup:sender", row.pk)
    return page(request, Step.PUBLICATION, row, form=form)


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
