"""Pause, resume and cancel an issue. It applies to all messages not yet begun, on all workers."""

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import QuerySet

from digest.core import clock, jobs
from digest.issues.models import Issue, Story
from digest.sending import sweeping
from digest.sending.errors import DeliveryError
from digest.sending.experiments import assigning

log = structlog.get_logger(__name__)

State = Issue.State


def pause(issue: Issue) -> None:
    """Pause an issue; raise DeliveryError if it is not going out."""
    _move(issue, [State.BUILT, State.SENDING], "paused", state=State.PAUSED)
    assigning.pause(issue, clock.now())


@transaction.atomic
def resume(issue: Issue) -> None:
    """Resume a paused issue where it stopped.

    An experiment that runs goes on for as long as was left of it. Raises DeliveryError if it is not
    paused, or if all that it has was retracted.
    """
    _row(issue).select_for_update().get()  # a retraction waits, or is seen
    _require_story(issue)
    assigning.resume(issue, clock.now())
    current = _current(issue)
    planned = current.planned_at is not None
    state = State.SENDING if planned else State.BUILT
    _move(issue, [State.PAUSED], "resumed", state=state, reason="")
    if not planned or current.planned_through is not None:
        jobs.enqueue(jobs.PLAN_ISSUES)
    if planned:
        jobs.enqueue(jobs.SEND_DELIVERIES)


def cancel(issue: Issue, reason: str, now: datetime) -> int:
    """Cancel an issue for good; return how many subscribers will not get it.

    Raises DeliveryError if it is finished already.
    """
    _move(
        issue,
        [State.DRAFT, State.BUILT, State.SENDING, State.PAUSED],
        "cancelled",
        state=State.CANCELLED,
        reason=reason,
        finished_at=now,
    )
    return sweeping.settle_cancelled(now)


def pause_with_reason(issue: Issue, reason: str) -> None:
    """Pause an issue that cannot continue; an editor reads the reason, fixes it, and resumes it."""
    log.error("issue paused", issue=issue.pk, reason=reason)
    _row(issue).filter(state__in=[State.BUILT, State.SENDING]).update(
        state=State.PAUSED, reason=reason
    )
    assigning.pause(issue, clock.now())


def _move(issue: Issue, allowed: list[State], verb: str, **change: object) -> None:
    """Change the issue's state if it is one of `allowed` at this moment.

    Nobody is sent the draft of a mail of a series, so nothing can be stopped.
    """
    if issue.kind == Issue.Kind.TEMPLATE:
        raise DeliveryError(
            "This is the draft of a mail of a series. Switch the series off instead."
        )
    if not _row(issue).filter(state__in=allowed).update(**change):
        state = State(_current(issue).state)
        raise DeliveryError(f"Issue {issue.pk} cannot be {verb}: it is {state.value}.")
    issue.refresh_from_db()


def _require_story(issue: Issue) -> None:
    """Raise DeliveryError if all stories were retracted; a mail of a series goes on as a text."""
    stories = Story.objects.filter(issue=issue.pk)
    remaining = stories.filter(retracted_at=None).exclude(article__retracted_at__isnull=False)
    if _current(issue).state != State.PAUSED or issue.is_of_series:
        return
    if stories.exists() and not remaining.exists():
        raise DeliveryError(
            "All stories of this issue were retracted. Cancel it, or restore an article first."
        )


def _row(issue: Issue) -> QuerySet[Issue]:
    return Issue.objects.filter(pk=issue.pk)


def _current(issue: Issue) -> Issue:
    return _row(issue).get()
