"""Issues: what the console does with an issue, by the same functions.

    list, show, preview, progress, deliveries
    create > approve > send (undo) > pause, resume, cancel; skip; retract a story

A request that depends on an issue's content names the `revision` that the caller saw.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import uuid4

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of, require_scopes
from digest.api.idempotency import idempotent, require_key
from digest.api.lookup import find_newsletter, get_newsletter
from digest.api.paging import Page, paginate
from digest.api.problems import STATUSES
from digest.api.resources import deliveries
from digest.api.resources import issue_schemas as schemas
from digest.api.resources.deliveries import DeliveryOut, DeliveryQuery
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
    auth=require_scopes(Scope.ISSUES_READ),
    response={200: Page[schemas.IssueOut], **STATUSES},
)
def list_issues(request: HttpRequest, query: Query[schemas.IssueQuery]) -> Any:
    """List issues, the newest first."""
    caller = caller_of(request)
    issues = caller.scope.issues()
    if newsletter := find_newsletter(caller, query.newsletter):
        issues = issues.filter(newsletter=newsletter)
    if query.state:
        issues = issues.filter(state=query.state)
    return paginate(issues, query, "issues", schemas.issue_out, newest_first=True)


@router.get(
    "/newsletters/{slug}/preview",
    auth=require_scopes(Scope.ISSUES_READ),
    response={200: schemas.PreviewOut, **STATUSES},
)
def preview_issue(request: HttpRequest, slug: Slug) -> Any:
    """Preview the issue that would be sent now. Nothing is stored or sent."""
    draft = building.draft(get_newsletter(caller_of(request), slug), clock.now())
    return schemas.draft_out(draft) | schemas.rendered_out(draft)


@router.post(
    "/newsletters/{slug}/issues",
    auth=require_scopes(Scope.ISSUES_WRITE),
    response={201: schemas.IssueDetailOut, **STATUSES},
)
@idempotent
def create_issue(request: HttpRequest, slug: Slug, payload: schemas.IssueIn) -> Any:
    """Create a draft outside the schedule. It is sent with the operation `send_issue`."""
    caller = caller_of(request)
    newsletter = get_newsletter(caller, slug)
    articles = [
        get_object_or_404(caller.scope.articles(), pk=article_id) for article_id in payload.articles
    ]
    issue = dispatching.create_issue(
        newsletter,
        _creation_key(request, caller),
        caller.token.owner,
        clock.now(),
        articles=articles,
        only_topics=payload.topics,
    )
    return Status(201, schemas.issue_detail_out(issue))


@router.post(
    "/newsletters/{slug}/test",
    auth=require_scopes(Scope.ISSUES_SEND),
    response={200: schemas.ProofOut, **STATUSES},
)
@idempotent
def send_test_mail(request: HttpRequest, slug: Slug, payload: schemas.ProofIn) -> Any:
    """Send the issue that would be sent now to one address, as a proof."""
    newsletter = get_newsletter(caller_of(request), slug)
    address = addresses.parse(payload.to)
    reply = send_test(newsletter, address, clock.now())
    return {"to": address.email, "code": reply.code, "reply": reply.text}


@router.get(
    "/issues/{issue_id}",
    auth=require_scopes(Scope.ISSUES_READ),
    response={200: schemas.IssueDetailOut, **STATUSES},
)
def show_issue(request: HttpRequest, issue_id: Id) -> Any:
    """Show an issue."""
    return schemas.issue_detail_out(_issue(request, issue_id))


@router.get(
    "/issues/{issue_id}/progress",
    auth=require_scopes(Scope.ISSUES_READ),
    response={200: schemas.ProgressOut, **STATUSES},
)
def show_progress(request: HttpRequest, issue_id: Id) -> Any:
    """Show the progress of an issue. It is cheap at any size and can be polled every second."""
    return schemas.progress_out(_issue(request, issue_id))


@router.get(
    "/issues/{issue_id}/preview",
    auth=require_scopes(Scope.ISSUES_READ),
    response={200: schemas.MailOut, **STATUSES},
)
def preview_mail(request: HttpRequest, issue_id: Id) -> Any:
    """Show the mail as a subscriber to every issue gets it."""
    compiled = compiled_for(_issue(request, issue_id))
    return schemas.mail_out(compiled)


@router.post(
    "/issues/{issue_id}/approve",
    auth=require_scopes(Scope.ISSUES_APPROVE),
    response={200: schemas.IssueOut, **STATUSES},
)
@idempotent
def approve_issue(request: HttpRequest, issue_id: Id, payload: schemas.RevisionIn) -> Any:
    """Approve a revision, in the name of the token's owner."""
    caller = caller_of(request)
    issue = _issue(request, issue_id)
    approved = approval.approve(issue, payload.revision, caller.token.owner, clock.now())
    return schemas.issue_out(approved)


@router.post(
    "/issues/{issue_id}/send",
    auth=require_scopes(Scope.ISSUES_SEND),
    response={200: schemas.IssueOut, **STATUSES},
)
@idempotent
def send_issue(request: HttpRequest, issue_id: Id, payload: schemas.SendIn) -> Any:
    """Send an issue to its subscribers, now or at a time. Until then it can be undone.

    Requires an Idempotency-Key.
    """
    require_key(request)
    issue, now = _issue(request, issue_id), clock.now()
    if payload.at is None:
        return schemas.issue_out(dispatching.send_now(issue, payload.revision, now))
    return schemas.issue_out(dispatching.send_at(issue, payload.revision, payload.at, now))


@router.post(
    "/issues/{issue_id}/undo",
    auth=require_scopes(Scope.ISSUES_WRITE),
    response={200: schemas.IssueOut, **STATUSES},
)
def undo_issue(request: HttpRequest, issue_id: Id) -> Any:
    """Undo `send_issue`, while no mail has been sent."""
    return schemas.issue_out(dispatching.undo(_issue(request, issue_id), clock.now()))


@router.post(
    "/issues/{issue_id}/skip",
    auth=require_scopes(Scope.ISSUES_WRITE),
    response={200: schemas.IssueOut, **STATUSES},
)
def skip_issue(request: HttpRequest, issue_id: Id, payload: schemas.ReasonIn) -> Any:
    """Do not send an issue. Its stories can be in the next issue."""
    issue = _issue(request, issue_id)
    return schemas.issue_out(
        dispatching.skip(issue, clock.now(), payload.reason or "Skipped through the API.")
    )


@router.post(
    "/issues/{issue_id}/stories/{story_id}/retract",
    auth=require_scopes(Scope.ISSUES_WRITE),
    response={200: schemas.StoryOut, **STATUSES},
)
def retract_story(
    request: HttpRequest, issue_id: Id, story_id: Id, payload: schemas.RetractionIn
) -> Any:
    """Retract a story: mails sent from now on omit it, and the archive shows the note."""
    issue = _issue(request, issue_id)
    return schemas.story_out(editing.retract(issue, story_id, payload.note, clock.now()))


@router.post(
    "/issues/{issue_id}/pause",
    auth=require_scopes(Scope.ISSUES_WRITE),
    response={200: schemas.IssueOut, **STATUSES},
)
def pause_issue(request: HttpRequest, issue_id: Id) -> Any:
    """Pause sending until it is resumed. It takes effect within two seconds."""
    return _change(request, issue_id, control.pause)


@router.post(
    "/issues/{issue_id}/resume",
    auth=require_scopes(Scope.ISSUES_SEND),
    response={200: schemas.IssueOut, **STATUSES},
)
@idempotent
def resume_issue(request: HttpRequest, issue_id: Id) -> Any:
    """Resume sending a paused issue."""
    return _change(request, issue_id, control.resume)


@router.post(
    "/issues/{issue_id}/cancel",
    auth=require_scopes(Scope.ISSUES_WRITE),
    response={200: schemas.IssueOut, **STATUSES},
)
def cancel_issue(request: HttpRequest, issue_id: Id, payload: schemas.ReasonIn) -> Any:
    """Stop sending an issue for good. Mails that were sent cannot be recalled."""
    reason = payload.reason or "Cancelled through the API."
    return _change(request, issue_id, lambda issue: control.cancel(issue, reason, clock.now()))


@router.get(
    "/issues/{issue_id}/deliveries",
    auth=require_scopes(Scope.ISSUES_READ, Scope.SUBSCRIBERS_READ),
    response={200: Page[DeliveryOut], **STATUSES},
)
def list_deliveries(request: HttpRequest, issue_id: Id, query: Query[DeliveryQuery]) -> Any:
    """List the deliveries of an issue, in the order of the subscribers' ids."""
    return deliveries.list_page(_issue(request, issue_id), query)


def _change(request: HttpRequest, issue_id: int, change: Callable[[Issue], Any]) -> dict[str, Any]:
    issue = _issue(request, issue_id)
    change(issue)
    issue.refresh_from_db()
    return schemas.issue_out(issue)


def _creation_key(request: HttpRequest, caller: Caller) -> str:
    """Return the key under which the issue is created once: from the Idempotency-Key, if any."""
    key = request.headers.get("Idempotency-Key")
    if not key:
        return uuid4().hex
    return sha256(f"api {caller.token.pk} {key}".encode()).hexdigest()


def _issue(request: HttpRequest, issue_id: int) -> Issue:
    return get_object_or_404(caller_of(request).scope.issues(), pk=issue_id)
