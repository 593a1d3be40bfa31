"""Issues: what the console does with an issue, by the same functions.

    list, show, preview, progress, deliveries
    create > approve > send (undo) > pause, resume, cancel; skip; retract a story

A request that depends on an issue's content names the `revision` that the caller saw.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status

from digest.accounts.scopes import Scope
from digest.api.authentication import caller_of
from digest.api.idempotency import idempotent, require_key
from digest.api.lookup import find_segment, get_newsletter, of_newsletter
from digest.api.paging import Page, paginate
from digest.api.resources import deliveries
from digest.api.resources import issue_schemas as schemas
from digest.api.resources.deliveries import DeliveryOut, DeliveryQuery
from digest.api.routing import Operations
from digest.api.schemas import Id, Slug
from digest.core import addresses, clock
from digest.issues import approval, building, creating, retracting, scheduling, skipping
from digest.issues.models import Issue
from digest.sending import control, preflight, public_archive
from digest.sending.compiling import compiled_for
from digest.sending.proofs import send_test

router = Operations(tags=["issues"])


@router.read("/issues", Scope.ISSUES_READ, returns=Page[schemas.IssueOut])
def list_issues(request: HttpRequest, query: Query[schemas.IssueQuery]) -> Any:
    """List issues, the newest first."""
    caller = caller_of(request)
    regular = caller.scope.issues().filter(Issue.REGULAR)
    issues = of_newsletter(caller, regular, query.newsletter)
    if query.state:
        issues = issues.filter(state=query.state)
    return paginate(issues, query, "issues", schemas.issue_out, newest_first=True)


@router.read("/newsletters/{slug}/preview", Scope.ISSUES_READ, returns=schemas.PreviewOut)
def preview_issue(request: HttpRequest, slug: Slug) -> Any:
    """Preview the issue that would be sent now. Nothing is stored or sent."""
    draft = building.draft(get_newsletter(caller_of(request), slug), clock.now())
    return schemas.draft_out(draft) | schemas.rendered_out(draft)


@router.create("/newsletters/{slug}/issues", Scope.ISSUES_WRITE, returns=schemas.IssueDetailOut)
@idempotent
def create_issue(request: HttpRequest, slug: Slug, payload: schemas.IssueIn) -> Any:
    """Create a draft outside the schedule. It is sent with the operation `send_issue`."""
    caller = caller_of(request)
    newsletter = get_newsletter(caller, slug)
    articles = [
        get_object_or_404(caller.scope.articles(), pk=article_id) for article_id in payload.articles
    ]
    issue = creating.create_issue(
        newsletter,
        uuid4().hex,  # `idempotent` answers a repetition, and no longer than it promises
        caller.token.owner,
        clock.now(),
        articles=articles,
        only_topics=payload.topics,
        segment=find_segment(caller, payload.segment),
        whole=payload.whole,
    )
    return Status(201, schemas.issue_detail_out(issue))


@router.run("/newsletters/{slug}/test", Scope.ISSUES_SEND, returns=schemas.ProofOut)
@idempotent
def send_test_mail(request: HttpRequest, slug: Slug, payload: schemas.ProofIn) -> Any:
    """Send the issue that would be sent now to one address, as a proof."""
    caller = caller_of(request)
    newsletter, address = get_newsletter(caller, slug), addresses.parse(payload.to)
    reply = send_test(newsletter, address, clock.now(), by=caller.token.owner)
    return {"to": address.email, "code": reply.code, "reply": reply.text}


@router.read("/issues/{issue_id}", Scope.ISSUES_READ, returns=schemas.IssueDetailOut)
def show_issue(request: HttpRequest, issue_id: Id) -> Any:
    """Show an issue."""
    return schemas.issue_detail_out(_issue(request, issue_id))


@router.read("/issues/{issue_id}/progress", Scope.ISSUES_READ, returns=schemas.ProgressOut)
def show_progress(request: HttpRequest, issue_id: Id) -> Any:
    """Show the progress of an issue. It is cheap at any size and can be polled every second."""
    return schemas.progress_out(_issue(request, issue_id))


@router.read("/issues/{issue_id}/preview", Scope.ISSUES_READ, returns=schemas.MailOut)
def preview_mail(request: HttpRequest, issue_id: Id) -> Any:
    """Show the mail as a subscriber to every issue gets it."""
    compiled = compiled_for(_issue(request, issue_id))
    return schemas.mail_out(compiled)


@router.read("/issues/{issue_id}/preflight", Scope.ISSUES_READ, returns=schemas.PreflightOut)
def show_preflight(request: HttpRequest, issue_id: Id) -> Any:
    """Show what should be fixed before an issue is sent.

    Links and spam score are those that `run_preflight` last found for this revision.
    """
    issue = _issue(request, issue_id)
    return schemas.preflight_out(issue, *preflight.examine_quickly(issue, clock.now()))


@router.run("/issues/{issue_id}/preflight", Scope.ISSUES_WRITE, returns=schemas.PreflightOut)
def run_preflight(request: HttpRequest, issue_id: Id, payload: schemas.PreflightIn) -> Any:
    """Run all preflight checks. Following every link takes a few seconds."""
    issue, now = _issue(request, issue_id), clock.now()
    results = preflight.examine(issue, now, network=payload.network)
    checked_at = now if payload.network else None
    return schemas.preflight_out(issue, results, checked_at)


@router.run("/issues/{issue_id}/approve", Scope.ISSUES_APPROVE, returns=schemas.IssueOut)
@idempotent
def approve_issue(request: HttpRequest, issue_id: Id, payload: schemas.RevisionIn) -> Any:
    """Approve a revision, in the name of the token's owner."""
    caller = caller_of(request)
    issue = _issue(request, issue_id)
    approved = approval.approve(issue, payload.revision, caller.token.owner, clock.now())
    return schemas.issue_out(approved)


@router.run("/issues/{issue_id}/send", Scope.ISSUES_SEND, returns=schemas.IssueOut)
@idempotent
def send_issue(request: HttpRequest, issue_id: Id, payload: schemas.SendIn) -> Any:
    """Send an issue to its subscribers, now or at a time. Until then it can be undone.

    With `at`, an issue that is scheduled gets another time. One that is sent by itself once it is
    approved waits for the approval, and is then sent at that time.
    Requires an Idempotency-Key.
    """
    require_key(request)
    issue, now = _issue(request, issue_id), clock.now()
    if payload.at is None:
        return schemas.issue_out(scheduling.send_now(issue, payload.revision, now))
    return schemas.issue_out(scheduling.send_at(issue, payload.revision, payload.at, now))


@router.run("/issues/{issue_id}/undo", Scope.ISSUES_WRITE, returns=schemas.IssueOut)
def undo_issue(request: HttpRequest, issue_id: Id) -> Any:
    """Undo `send_issue`, while no mail has been sent."""
    return schemas.issue_out(scheduling.undo(_issue(request, issue_id), clock.now()))


@router.run("/issues/{issue_id}/unschedule", Scope.ISSUES_WRITE, returns=schemas.IssueOut)
def unschedule_issue(request: HttpRequest, issue_id: Id) -> Any:
    """Make a scheduled issue a draft that is not sent before somebody sends it."""
    return schemas.issue_out(scheduling.unschedule(_issue(request, issue_id), clock.now()))


@router.run("/issues/{issue_id}/skip", Scope.ISSUES_WRITE, returns=schemas.IssueOut)
def skip_issue(request: HttpRequest, issue_id: Id, payload: schemas.ReasonIn) -> Any:
    """Do not send an issue. Its stories can be in the next issue."""
    issue = _issue(request, issue_id)
    return schemas.issue_out(
        skipping.skip(issue, clock.now(), payload.reason or "Skipped through the API.")
    )


@router.run("/issues/{issue_id}/restore", Scope.ISSUES_SEND, returns=schemas.IssueOut)
def restore_issue(request: HttpRequest, issue_id: Id) -> Any:
    """Restore a skipped issue: it is sent at its time, or is a draft if that has passed.

    It loses the stories that are in another issue by now.
    """
    return schemas.issue_out(skipping.restore(_issue(request, issue_id), clock.now()))


@router.run(
    "/issues/{issue_id}/stories/{story_id}/retract", Scope.ISSUES_WRITE, returns=schemas.StoryOut
)
def retract_story(
    request: HttpRequest, issue_id: Id, story_id: Id, payload: schemas.RetractionIn
) -> Any:
    """Retract a story: mails sent from now on omit it, and the archive shows the note."""
    issue, by = _issue(request, issue_id), caller_of(request).token.owner
    return schemas.story_out(retracting.retract(issue, story_id, payload.note, clock.now(), by))


@router.run("/issues/{issue_id}/pause", Scope.ISSUES_WRITE, returns=schemas.IssueOut)
def pause_issue(request: HttpRequest, issue_id: Id) -> Any:
    """Pause sending until it is resumed. It takes effect within two seconds."""
    return _change(request, issue_id, control.pause)


@router.run("/issues/{issue_id}/resume", Scope.ISSUES_SEND, returns=schemas.IssueOut)
@idempotent
def resume_issue(request: HttpRequest, issue_id: Id) -> Any:
    """Resume sending a paused issue."""
    return _change(request, issue_id, control.resume)


@router.run("/issues/{issue_id}/cancel", Scope.ISSUES_WRITE, returns=schemas.IssueOut)
def cancel_issue(request: HttpRequest, issue_id: Id, payload: schemas.ReasonIn) -> Any:
    """Stop sending an issue for good. Mails that were sent cannot be recalled."""
    reason = payload.reason or "Cancelled through the API."
    return _change(request, issue_id, lambda issue: control.cancel(issue, reason, clock.now()))


@router.run("/issues/{issue_id}/archive-access", Scope.ISSUES_WRITE, returns=schemas.IssueOut)
def set_archive_access(request: HttpRequest, issue_id: Id, payload: schemas.ArchiveAccessIn) -> Any:
    """Say who may read an issue in the archive."""
    return _change(
        request, issue_id, lambda issue: public_archive.set_access(issue, payload.archive_access)
    )


@router.read(
    "/issues/{issue_id}/deliveries",
    Scope.ISSUES_READ,
    Scope.SUBSCRIBERS_READ,
    returns=Page[DeliveryOut],
)
def list_deliveries(request: HttpRequest, issue_id: Id, query: Query[DeliveryQuery]) -> Any:
    """List the deliveries of an issue: those not tried yet, then the others by subscriber."""
    return deliveries.list_page(_issue(request, issue_id), query)


def _change(request: HttpRequest, issue_id: int, change: Callable[[Issue], Any]) -> dict[str, Any]:
    issue = _issue(request, issue_id)
    change(issue)
    issue.refresh_from_db()
    return schemas.issue_out(issue)


def _issue(request: HttpRequest, issue_id: int) -> Issue:
    return get_object_or_404(caller_of(request).scope.issues(), pk=issue_id)
