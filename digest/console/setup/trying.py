"""Preview and test of the next issue, and what to do after the first run."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin

from digest.articles.models import Article
from digest.console.access import record_action, user_of
from digest.console.issues import previews
from digest.console.pages import action_view, form_view, page_view
from digest.console.setup.forms import TestForm
from digest.console.setup.senders import relay_of
from digest.console.setup.steps import Step, newsletter_of
from digest.console.setup.views import get_publication, page
from digest.core import addresses, clock
from digest.core.errors import DigestError
from digest.core.text import counted
from digest.issues import building
from digest.issues.composing import Draft
from digest.newsletters import checks, contributions, schedules, setup
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter, Publication
from digest.relays import registry
from digest.rendering.compiled import Compiled
from digest.rendering.issue import compile_issue
from digest.sending import proofs


def _with_newsletter(
    view: Callable[[HttpRequest, Publication, Newsletter], HttpResponse],
) -> Callable[[HttpRequest, int], HttpResponse]:
    """Give a view the publication and its newsletter; redirect to the step that makes one."""

    @wraps(view)
    def show(request: HttpRequest, pk: int) -> HttpResponse:
        publication = get_publication(request, pk)
        newsletter = newsletter_of(publication)
        if newsletter is None:
            return redirect("setup:newsletter", pk)
        return view(request, publication, newsletter)

    return show


@form_view(Right.MANAGE, everywhere=True)
@_with_newsletter
def test(request: HttpRequest, publication: Publication, newsletter: Newsletter) -> HttpResponse:
    """Preview the issue as it would be sent now, and send a test to one address."""
    now = clock.now()
    form = TestForm(request.POST or None, initial={"to": getattr(request.user, "email", "")})
    problem: DigestError | None = None
    if request.method == "POST" and form.is_valid():
        to = form.cleaned_data["to"]
        try:
            address = addresses.parse(to)
            reply = proofs.send_test(newsletter, address, now, by=user_of(request))
        except DigestError as error:
            problem = error
        else:
            action = f"test: a test is on its way to {address.email}"
            record_action(request, action, newsletter, newsletter.publication_id)
            sent = urlencode({"sent": to, "reply": f"{reply.code} {reply.text}"})
            return redirect(f"{reverse('setup:test', args=[publication.pk])}?{sent}#sent")
    return page(
        request, Step.TEST, publication, form=form, problem=problem,
        **_issue(newsletter, now), **_sent(request, publication)
    )  # fmt: skip


@action_view(Right.MANAGE, everywhere=True)
def widen(request: HttpRequest, pk: int) -> HttpResponse:
    """Include older stories, back to the newest article, when nothing is newer."""
    newsletter = newsletter_of(get_publication(request, pk))
    if newsletter and (days := _days_to_newest(newsletter, clock.now())):
        with contributions.noted(user_of(request), newsletter):
            setup.change_newsletter(newsletter, widen_hours=days * 24)
        action = f"changed the newsletter: stories of {counted(days, 'day')}"
        record_action(request, action, newsletter, newsletter.publication_id)
    return redirect("setup:test", pk)


@page_view(Right.MANAGE, everywhere=True)
@xframe_options_sameorigin
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the mail as it would be sent now; `?scheme=` is light or dark."""
    newsletter = newsletter_of(get_publication(request, pk))
    try:
        compiled = _compiled(building.draft(newsletter, clock.now())) if newsletter else None
        html = previews.force_scheme(
            compiled.html() if compiled else "", request.GET.get("scheme", "")
        )
    except DigestError as problem:
        response = HttpResponse(str(problem), content_type="text/plain; charset=utf-8")
    else:
        response = HttpResponse(html)
    response.headers["Content-Security-Policy"] = previews.POLICY
    return response


@page_view(Right.MANAGE, everywhere=True)
@_with_newsletter
def done(request: HttpRequest, publication: Publication, newsletter: Newsletter) -> HttpResponse:
    """Show the next steps after the first run."""
    return page(
        request, Step.TEST, publication, template="done", newsletter=newsletter,
        base=settings.DIGEST_BASE_URL, **_next(newsletter, clock.now())
    )  # fmt: skip


def _issue(newsletter: Newsletter, now: datetime) -> dict[str, Any]:
    """Return the context of the issue as it would be sent now."""
    draft = building.draft(newsletter, now)
    days = 0 if draft.stories else _days_to_newest(newsletter, now)
    context = {"newsletter": newsletter, "draft": draft, "skip": draft.selection.skip, "days": days}
    try:
        compiled = _compiled(draft)
    except DigestError as problem:
        return context | {"skip": str(problem)}
    return context | {"mail": compiled} | _next(newsletter, now)


def _compiled(draft: Draft) -> Compiled | None:
    return compile_issue(draft.issue, draft.blocks, draft.stories) if draft.stories else None


def _sent(request: HttpRequest, publication: Publication) -> dict[str, Any]:
    """Return the context of the last test: its recipient, its reply, and the test mailbox."""
    to = request.GET.get("sent", "")
    relay = relay_of(publication)
    return {
        "sent": to[:320],
        "reply": request.GET.get("reply", "")[:300],
        "mailbox": registry.mailbox_url(relay) if relay else "",
    }


def _next(newsletter: Newsletter, now: datetime) -> dict[str, Any]:
    rule = schedules.planned_rule(newsletter)
    coming = schedules.upcoming(rule, now, 1) if rule else []
    if not rule or not coming:
        return {"next_at": "", "next_in": ""}
    return {
        "next_at": clock.format_moment(coming[0], rule.timezone),
        "next_in": clock.in_words(coming[0] - now),
    }


def _days_to_newest(newsletter: Newsletter, now: datetime) -> int:
    """Return the age of the newest article in days; 0 if it is too old or there is none."""
    articles = Article.objects.filter(sources__in=newsletter.sources.all(), available_at__lte=now)
    newest = articles.order_by("-available_at").first()
    if newest is None:
        return 0
    days = (now - newest.available_at).days + 1
    return days if days * 24 <= checks.LIMITS["widen_hours"][1] else 0
