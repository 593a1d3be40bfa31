"""The way into a first run; the account; the publication."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import login
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from digest.accounts import first_account
from digest.console.access import record_action, right_required, scope_of
from digest.console.setup import steps
from digest.console.setup.forms import AccountForm, PublicationForm
from digest.console.setup.steps import Step
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters import setup, suggesting
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter, Publication

asked_or_told = require_http_methods(["GET", "HEAD", "POST"])
_PASSWORDS = "allauth.account.auth_backends.AuthenticationBackend"
_FIELDS = ("name", "url", "postal_address", "logo_url", "accent", "accent_dark", "language")


@require_safe
@right_required(Right.MANAGE, everywhere=True)
def start(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's
    """Lead to the next step left."""
    publication, step = steps.left()
    return redirect(steps.url_of(step, publication))


@asked_or_told
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    """Make the first account, with the code that only this installation's terminal shows."""
    if not first_account.is_missing():
        raise Http404
    code = request.POST.get("code") or request.GET.get("code", "")
    form = AccountForm(request.POST or None, initial={"code": code})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = first_account.create(
                code.strip(), given["email"], given["password"], clock.now()
            )
        except DigestError as problem:
            form.add_error("code", str(problem))
        else:
            login(request, made, backend=_PASSWORDS)
            return redirect("home" if Newsletter.objects.exists() else "setup:start")
    return page(request, Step.ACCOUNT, None, form=form, known=_is_good(code))


@asked_or_told
@right_required(Right.MANAGE, everywhere=True)
def begin(request: HttpRequest) -> HttpResponse:
    """Set up a publication."""
    form = PublicationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given, now = form.cleaned_data, clock.now()
        try:
            made = setup.create_publication(
                slug=suggesting.free_slug(Publication, given["name"], given["url"]),
                sender_email=suggesting.sender(given["url"]) or request.user.email,  # type: ignore[union-attr]
                now=now,
                **given,
            )
        except DigestError as problem:
            form.add_error(None, str(problem))
        else:
            record_action(request, "set up a publication", made, made.pk)
            return redirect("setup:sender", made.pk)
    return page(request, Step.PUBLICATION, None, form=form)


@asked_or_told
@right_required(Right.MANAGE, everywhere=True)
def publication(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a publication."""
    found = find(request, pk)
    there = {name: getattr(found, name) for name in (*_FIELDS, "timezone")}
    form = PublicationForm(request.POST or None, initial=there)
    if request.method == "POST" and form.is_valid():
        try:
            setup.change_publication(found, **form.cleaned_data)
        except DigestError as problem:
            form.add_error(None, str(problem))
        else:
            record_action(request, "changed the publication", found, found.pk)
            return redirect("setup:sender", found.pk)
    return page(request, Step.PUBLICATION, found, form=form)


def find(request: HttpRequest, pk: int) -> Publication:
    """Return a publication that they own, or raise Http404."""
    ours = scope_of(request, Right.MANAGE).publications()
    found: Publication = get_object_or_404(ours, pk=pk)
    return found


def page(
    request: HttpRequest,
    step: Step,
    publication: Publication | None,
    form: Form | None = None,
    template: str = "",
    **more: Any,
) -> HttpResponse:
    """Show a step."""
    whole = admin.site.each_context(request) | {
        "title": step.value,
        "is_nav_sidebar_enabled": False,
        "step": step,
        "steps": steps.marks(publication, step),
        "last": len(steps.ORDER),
        "publication": publication,
        "form": form,
        **more,
    }
    return render(request, f"console/setup/{template or step.name.lower()}.html", whole)


def _is_good(code: str) -> bool:
    try:
        first_account.check_code(code.strip(), clock.now())
    except DigestError:
        return False
    return True
