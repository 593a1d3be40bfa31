"""The top of an issue's page: its state in a sentence, its recipients, and what can be done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from digest.console.access import has_right, user_of
from digest.core import clock
from digest.core.database.limits import within
from digest.core.errors import DigestError
from digest.issues import approval, scheduling
from digest.issues.changing import OPEN
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.sending.compiling import compiled_for
from digest.sending.segmentation import segmentation_of
from digest.series import versions
from digest.series.models import Step
from digest.subscribers import audience
from digest.subscribers.models import Subscriber, Subscription
from digest.subscribers.segments import counting
from digest.subscribers.segments.counting import Count

FEW = 10_000  # subscribers that are counted while the page is made
PATIENCE = 500  # milliseconds for that
COUNT_PATIENCE = 10_000  # milliseconds for all of them, while the page is shown
_MINUTES = "%Y-%m-%dT%H:%M"  # of `datetime-local`

State = Issue.State


class Rights(NamedTuple):
    """What the user may do with the issue."""

    edit: bool
    send: bool
    subscribers: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """What the issue waits for, and how many receive it."""

    is_open: bool  # it can still be changed
    status: str  # `Scheduled for`: the time follows, where there is one
    condition: str  # `if approved`: follows the time
    goes_at: str  # in the publication's zone; empty: nobody has chosen a time
    goes_in: str
    is_late: bool  # its time has passed
    recipients: int | None  # None: it takes too long to count them while the page is made
    zone: str
    goes_at_input: str  # for `datetime-local`, in `zone`
    default_input: str  # an hour from now
    in_local_time: bool  # at that time of day in each subscriber's zone


@dataclass(frozen=True, slots=True)
class Buttons:
    """What can be done to the whole issue now."""

    undo_seconds: int = 0  # in which "send" can be undone; 0: nothing to undo
    approve: bool = False
    needs_another: bool = False  # somebody else has to approve it
    goes_when_approved: bool = False  # without being sent by anybody
    send: bool = False
    change_time: bool = False
    unschedule: bool = False
    skip: bool = False
    restore: bool = False
    is_restored_to_time: bool = False  # else it becomes a draft
    pause: bool = False
    resume: bool = False
    cancel: bool = False


def rights(request: HttpRequest, issue: Issue) -> Rights:
    """Return what the user may do with the issue."""
    publication_id = issue.newsletter.publication_id
    edit, send, subscribers = (
        has_right(request, right, publication_id, issue.newsletter_id)
        for right in (Right.EDIT, Right.SEND, Right.SUBSCRIBERS)
    )
    return Rights(edit, send, subscribers)


def recipients(issue: Issue, now: datetime) -> QuerySet[Subscription]:
    """Return whom an issue would go to now; nobody while it cannot be rendered."""
    try:
        segmentation = segmentation_of(issue, compiled_for(issue))
    except DigestError:
        return Subscription.objects.none()
    return audience.eligible(issue.newsletter_id, now, segmentation.audience)


def recipient_count(issue: Issue, now: datetime) -> Count:
    """Return how many would receive an issue now; about how many where they take long to count."""
    ids = recipients(issue, now).values("subscriber")
    rows, publication_ids = Subscriber.objects.filter(pk__in=ids), [issue.newsletter.publication_id]
    return counting.count(rows, publication_ids, COUNT_PATIENCE)


def is_open(issue: Issue) -> bool:
    """Say whether the issue can still be changed."""
    return issue.state in OPEN and issue.planned_at is None


def overview(issue: Issue, planned: int, now: datetime) -> Overview:
    """Return what the issue waits for; `planned` is how many receive it once it is planned."""
    zone = clock.zone(issue.newsletter.publication.timezone)
    status, condition = _status(issue, now)
    counted = (is_open(issue) or issue.state == State.SKIPPED) and not issue.is_of_series
    return Overview(
        is_open=is_open(issue),
        status=status,
        condition=condition,
        goes_at=clock.format_moment(issue.goes_at, zone) if _has_time(issue) else "",
        goes_in=clock.in_words(issue.goes_at - now) if is_open(issue) else "",
        is_late=issue.goes_at <= now,
        recipients=_few_recipients(issue, now) if counted else planned,
        zone=zone.key,
        goes_at_input=issue.goes_at.astimezone(zone).strftime(_MINUTES),
        default_input=(now + timedelta(hours=1)).astimezone(zone).strftime("%Y-%m-%dT%H:00"),
        in_local_time=_in_local_time(issue),
    )


def buttons(request: HttpRequest, issue: Issue, allowed: Rights, now: datetime) -> Buttons:
    """Return what the user can do to the whole issue now."""
    if issue.is_of_series:
        return _of_series(request, issue, allowed)
    if issue.state == State.SKIPPED:
        to_time = issue.goes_by_itself and issue.goes_at > now
        return Buttons(restore=allowed.send, is_restored_to_time=to_time)
    if not is_open(issue):
        return _while_sending(issue, allowed)
    unapproved = approval.is_needed(issue)
    needs_another = unapproved and allowed.edit and approval.needs_another(issue, user_of(request))
    undo_seconds = _undo_seconds(issue, now)
    is_leaving = scheduling.is_leaving(issue, now) or bool(undo_seconds)
    has_time = _has_time(issue) and issue.goes_at > now
    return Buttons(
        undo_seconds=undo_seconds,
        approve=unapproved and allowed.edit and not needs_another,
        needs_another=needs_another,
        goes_when_approved=issue.goes_by_itself,
        send=allowed.send and not (unapproved or is_leaving),
        change_time=allowed.send and has_time and not is_leaving,
        unschedule=allowed.edit and has_time and not is_leaving,
        skip=allowed.edit and not scheduling.is_leaving(issue, now),
    )


def _of_series(request: HttpRequest, issue: Issue, allowed: Rights) -> Buttons:
    """A draft is approved, and published on its step's page; one that stopped can be resumed."""
    if issue.kind == Issue.Kind.SERIES:
        stopped = issue.state == State.PAUSED and issue.reason != versions.OFF
        return Buttons(resume=stopped and allowed.send)
    unapproved = approval.is_needed(issue)
    needs_another = unapproved and allowed.edit and approval.needs_another(issue, user_of(request))
    return Buttons(
        approve=unapproved and allowed.edit and not needs_another, needs_another=needs_another
    )


def _while_sending(issue: Issue, allowed: Rights) -> Buttons:
    in_progress = issue.state in (State.SENDING, State.PAUSED)
    return Buttons(
        pause=issue.state == State.SENDING and allowed.edit,
        resume=issue.state == State.PAUSED and allowed.send,
        cancel=in_progress and allowed.edit,
    )


def _status(issue: Issue, now: datetime) -> tuple[str, str]:
    """Return what is said before the time and after it."""
    if issue.kind == Issue.Kind.TEMPLATE:
        return "Draft of a mail of a series", ""
    if issue.state == State.DRAFT:
        return _draft_status(issue, now)
    if issue.state == State.BUILT:
        is_sent = scheduling.is_leaving(issue, now) or scheduling.in_undo_window(issue, now)
        return ("Sending starts" if is_sent else "Scheduled for"), ""
    statuses = {
        State.SENDING: "Sending since",
        State.PAUSED: "Paused: sending began",
        State.SENT: "Sent",
        State.SKIPPED: "Skipped: was planned for" if _has_time(issue) else "Skipped",
        State.CANCELLED: "Cancelled: was planned for",
    }
    return statuses[State(issue.state)], ""


def _draft_status(issue: Issue, now: datetime) -> tuple[str, str]:
    needed = approval.is_needed(issue)
    if issue.goes_by_itself and issue.goes_at <= now:
        return "Draft: was to go out", "and goes out at once if approved"
    if issue.goes_by_itself:
        return "Draft: ready for review, goes out", "if approved" if needed else ""
    if needed:
        return "Draft: waits for approval, then for somebody to send it", ""
    return "Draft: goes out when somebody sends it", ""


def _has_time(issue: Issue) -> bool:
    """Say whether the issue has a time: its slot, or one that somebody chose."""
    return issue.goes_by_itself or issue.send_at is not None or issue.planned_at is not None


def _in_local_time(issue: Issue) -> bool:
    by_slot = issue.goes_by_itself and issue.send_at is None
    return by_slot and issue.newsletter.send_in_local_time


def step_of(issue: Issue) -> Step | None:
    """Return the step that an issue is a mail of, or the draft of one; None for other issues."""
    if not issue.is_of_series:
        return None
    steps = Step.objects.select_related("series", "draft")
    return steps.filter(Q(draft=issue) | Q(versions__issue=issue)).first()


def _few_recipients(issue: Issue, now: datetime) -> int | None:
    """Return how many would receive it; None if they are many, or take too long to count."""
    number = within(PATIENCE, recipients(issue, now)[: FEW + 1].count)
    return number if number is not None and number <= FEW else None


def _undo_seconds(issue: Issue, now: datetime) -> int:
    if not scheduling.in_undo_window(issue, now):
        return 0
    return max(1, int((issue.goes_at - now).total_seconds()))
