"""Issues: what the desk does with an issue, by the same calls.

    list, show, preview, progress, deliveries
    build > approve > send (undo) > pause, resume, cancel; skip; retract a story

Whatever is about an issue's content names the `revision` that the caller saw.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import uuid4

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of, needs
from digest.api.idempotency import doing_once, need_key
from digest.api.lookup import find_newsletter, get_newsletter
from digest.api.paging import Page, page
from digest.api.problems import STATUSES
from digest.api.resources import issue_schemas as shapes
from digest.api.resources.deliveries import DeliveryAsked, DeliveryFacts, deliveries
from digest.api.schemas import Id, Slug
from digest.core import addresses, clock
from digest.issues import approval, building, dispatching, editing
from digest.issues.models import Issue
from digest.sending import control
from digest.sending.compiling import compiled_for
from digest.sending.proofs import send_test

router = Router(tags=["issues"])


@router.get(
    "/issues",
    auth=needs(Scope.ISSUES_READ),
    response={200: Page[shapes.IssueFacts], **STATUSES},
)
def list_issues(request: HttpRequest, asked: Query[shapes.IssueAsked]) -> Any:
    """List issues, the last one that was built first."""
    caller = caller_of(request)
    known = caller.scope.issues()
    if newsletter := find_newsletter(caller, asked.newsletter):
        known = known.filter(newsletter=newsletter)
    if asked.state:
        known = known.filter(state=asked.state)
    return page(known, asked, "issues", shapes.facts, newest=True)


@router.get(
    "/newsletters/{slug}/preview",
    auth=needs(Scope.ISSUES_READ),
    response={200: shapes.PreviewFacts, **STATUSES},
)
def preview_issue(request: HttpRequest, slug: Slug) -> Any:
    """Pick and render what would go out now; nothing is stored or sent."""
    draft = building.draft(get_newsletter(caller_of(request), slug), clock.now())
    return shapes.draft_facts(draft) | shapes.rendered(draft)


@router.post(
    "/newsletters/{slug}/issues",
    auth=needs(Scope.ISSUES_WRITE),
    response={201: shapes.IssueShown, **STATUSES},
)
@doing_once
def build_issue(request: HttpRequest, slug: Slug, told: shapes.IssueNew) -> Any:
    """Lay an issue outside the schedule on the desk; it goes out when it is sent."""
    caller = caller_of(request)
    newsletter = get_newsletter(caller, slug)
    articles = [get_object_or_404(caller.scope.articles(), pk=number) for number in told.articles]
    issue = dispatching.create_issue(
        newsletter,
        _wish(request, caller),
        caller.token.owner,
        clock.now(),
        articles=articles,
        only_topics=told.topics,
    )
    return Status(201, shapes.shown(issue))


@router.post(
    "/newsletters/{slug}/test",
    auth=needs(Scope.ISSUES_SEND),
    response={200: shapes.TestFacts, **STATUSES},
)
@doing_once
def send_test_mail(request: HttpRequest, slug: Slug, told: shapes.TestTold) -> Any:
    """Send what would go out now to one address, marked as a test."""
    newsletter = get_newsletter(caller_of(request), slug)
    address = addresses.parse(told.to)
    reply = send_test(newsletter, address, clock.now())
    return {"to": address.email, "code": reply.code, "reply": reply.text}


@router.get(
    "/issues/{number}",
    auth=needs(Scope.ISSUES_READ),
    response={200: shapes.IssueShown, **STATUSES},
)
def show_issue(request: HttpRequest, number: Id) -> Any:
    """Show an issue."""
    return shapes.shown(_issue(request, number))


@router.get(
    "/issues/{number}/progress",
    auth=needs(Scope.ISSUES_READ),
    response={200: shapes.ProgressFacts, **STATUSES},
)
def show_progress(request: HttpRequest, number: Id) -> Any:
    """Say how far an issue is; cheap at any size, to be asked every second or so."""
    return shapes.progress_facts(_issue(request, number))


@router.get(
    "/issues/{number}/preview",
    auth=needs(Scope.ISSUES_READ),
    response={200: shapes.MailFacts, **STATUSES},
)
def preview_mail(request: HttpRequest, number: Id) -> Any:
    """Show the mail as it would be sent, or was, to somebody who reads every issue."""
    compiled = compiled_for(_issue(request, number))
    return shapes.mail_facts(compiled)


@router.post(
    "/issues/{number}/approve",
    auth=needs(Scope.ISSUES_APPROVE),
    response={200: shapes.IssueFacts, **STATUSES},
)
@doing_once
def approve_issue(request: HttpRequest, number: Id, told: shapes.RevisionTold) -> Any:
    """Approve this very content, in the name of the token's owner."""
    caller = caller_of(request)
    issue = _issue(request, number)
    done = approval.approve(issue, told.revision, caller.token.owner, clock.now())
    return shapes.facts(done)


@router.post(
    "/issues/{number}/send",
    auth=needs(Scope.ISSUES_SEND),
    response={200: shapes.IssueFacts, **STATUSES},
)
@doing_once
def send_issue(request: HttpRequest, number: Id, told: shapes.SendTold) -> Any:
    """Let it go to everyone, now or at a time; until then it can be undone.

    Needs an Idempotency-Key.
    """
    need_key(request)
    issue, now = _issue(request, number), clock.now()
    if told.at is None:
        return shapes.facts(dispatching.send_now(issue, told.revision, now))
    return shapes.facts(dispatching.send_at(issue, told.revision, told.at, now))


@router.post(
    "/issues/{number}/undo",
    auth=needs(Scope.ISSUES_WRITE),
    response={200: shapes.IssueFacts, **STATUSES},
)
def undo_issue(request: HttpRequest, number: Id) -> Any:
    """Take "send" back while nothing has left."""
    return shapes.facts(dispatching.undo(_issue(request, number), clock.now()))


@router.post(
    "/issues/{number}/skip",
    auth=needs(Scope.ISSUES_WRITE),
    response={200: shapes.IssueFacts, **STATUSES},
)
def skip_issue(request: HttpRequest, number: Id, told: shapes.ReasonTold) -> Any:
    """Let it not go out; its stories may be in the next one."""
    issue = _issue(request, number)
    return shapes.facts(
        dispatching.skip(issue, clock.now(), told.reason or "Skipped by a program.")
    )


@router.post(
    "/issues/{number}/stories/{story}/retract",
    auth=needs(Scope.ISSUES_WRITE),
    response={200: shapes.StoryFacts, **STATUSES},
)
def retract_story(request: HttpRequest, number: Id, story: Id, told: shapes.NoteTold) -> Any:
    """Take a story back: it is in no mail sent from now on, and the archive shows the note."""
    issue = _issue(request, number)
    return shapes.story_facts(editing.retract(issue, story, told.note, clock.now()))


@router.post(
    "/issues/{number}/pause",
    auth=needs(Scope.ISSUES_WRITE),
    response={200: shapes.IssueFacts, **STATUSES},
)
def pause_issue(request: HttpRequest, number: Id) -> Any:
    """Let nobody else receive it until it is resumed; holds within two seconds."""
    return _steered(request, number, control.pause)


@router.post(
    "/issues/{number}/resume",
    auth=needs(Scope.ISSUES_SEND),
    response={200: shapes.IssueFacts, **STATUSES},
)
@doing_once
def resume_issue(request: HttpRequest, number: Id) -> Any:
    """Go on with a paused issue."""
    return _steered(request, number, control.resume)


@router.post(
    "/issues/{number}/cancel",
    auth=needs(Scope.ISSUES_WRITE),
    response={200: shapes.IssueFacts, **STATUSES},
)
def cancel_issue(request: HttpRequest, number: Id, told: shapes.ReasonTold) -> Any:
    """Stop it for good; who has it keeps it."""
    reason = told.reason or "Cancelled by a program."
    return _steered(request, number, lambda one: control.cancel(one, reason, clock.now()))


@router.get(
    "/issues/{number}/deliveries",
    auth=needs(Scope.ISSUES_READ, Scope.SUBSCRIBERS_READ),
    response={200: Page[DeliveryFacts], **STATUSES},
)
def list_deliveries(request: HttpRequest, number: Id, asked: Query[DeliveryAsked]) -> Any:
    """List what happened to each subscriber's mail, subscribers in order of their ids."""
    return deliveries(_issue(request, number), asked)


def _steered(request: HttpRequest, number: int, steer: Callable[[Issue], Any]) -> dict[str, Any]:
    issue = _issue(request, number)
    steer(issue)
    issue.refresh_from_db()
    return shapes.facts(issue)


def _wish(request: HttpRequest, caller: Caller) -> str:
    """Name the wish for an issue by the call's key, if it has one."""
    key = request.headers.get("Idempotency-Key")
    if not key:
        return uuid4().hex
    return sha256(f"api {caller.token.pk} {key}".encode()).hexdigest()


def _issue(request: HttpRequest, number: int) -> Issue:
    return get_object_or_404(caller_of(request).scope.issues(), pk=number)
