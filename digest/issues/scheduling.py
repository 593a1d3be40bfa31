"""When an issue goes out: now, at a time, or when somebody sends it. Until it leaves, that changes.

    send_now      to everyone, after the seconds in which `undo` works
    send_at       at a time; also another time for an issue that is scheduled or waits for approval
    unschedule    a draft that nobody sends until somebody does

Two people who press at the same moment, or one who presses twice, change one row once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction

from digest.core import jobs
from digest.issues import approval
from digest.issues.changing import OPEN
from digest.issues.errors import ApprovalError, EditConflictError, IssueError
from digest.issues.models import Issue

State = Issue.State
FURTHEST = timedelta(days=90)
TOO_LATE = "It is too late: the issue is on its way. Pause or cancel it."


def send_now(issue: Issue, revision: int, now: datetime) -> Issue:
    """Let an issue go to everyone, after the seconds in which it can be undone.

    Pressed again, it is on its way already, and nothing changes. Raises IssueError if it can't
    go or was cancelled, ApprovalError if it has to be approved first.
    """
    with locked_issue(issue) as locked:
        if is_leaving(locked, now) and locked.state != State.CANCELLED:
            return locked
        _require_sendable(locked, revision)
        if approval.is_needed(locked):
            raise ApprovalError("It has to be approved first.")
        at = now + _undo_window(locked)
        if not (locked.state == State.BUILT and locked.send_at and locked.send_at < at):
            _schedule(locked, at)
    return locked


def send_at(issue: Issue, revision: int, at: datetime, now: datetime) -> Issue:
    """Let an issue go to everyone at a moment (aware), whatever time it had before.

    One that goes out by itself once it is approved keeps waiting for the approval, and then goes
    at that time. Raises as `send_now` does, and IssueError if it is on its way.
    """
    if not now < at <= now + FURTHEST:
        raise IssueError(f"Choose a time within the next {FURTHEST.days} days.")
    with locked_issue(issue) as locked:
        if is_leaving(locked, now):
            raise IssueError(TOO_LATE)
        _require_sendable(locked, revision)
        if in_undo_window(locked, now):
            raise IssueError("It is being sent now. Undo that first, then choose a time.")
        if not approval.is_needed(locked):
            _schedule(locked, at)
        elif locked.goes_by_itself:
            locked.send_at = at
        else:
            raise ApprovalError("It has to be approved first.")
    return locked


def undo(issue: Issue, now: datetime) -> Issue:
    """Undo "send" while nothing has left: the issue goes out at its slot, or is a draft again."""
    with locked_issue(issue) as locked:
        if locked.state not in OPEN or not locked.send_at or is_leaving(locked, now):
            raise IssueError(TOO_LATE)
        locked.send_at = None
        if not locked.goes_by_itself or locked.slot <= now:
            _hold(locked)
    return locked


def unschedule(issue: Issue, now: datetime) -> Issue:
    """Make a scheduled issue a draft that nobody sends until somebody does.

    An approval of its content stays. Pressed again, nothing changes. Raises IssueError if it is on
    its way, or over.
    """
    with locked_issue(issue) as locked:
        if locked.state not in OPEN:
            raise IssueError(f"It is not scheduled: it is {locked.get_state_display()}.")
        if is_leaving(locked, now):
            raise IssueError(TOO_LATE)
        _hold(locked)
    return locked


def is_leaving(issue: Issue, now: datetime) -> bool:
    """Say whether an issue is planned, or may be at any moment because a person sent it."""
    is_due = issue.state == State.BUILT and issue.send_at is not None and issue.send_at <= now
    return issue.planned_at is not None or is_due


def in_undo_window(issue: Issue, now: datetime) -> bool:
    """Say whether an issue was just sent, and that can be undone."""
    is_scheduled = issue.state == State.BUILT and issue.send_at is not None
    return is_scheduled and now < issue.goes_at <= now + _undo_window(issue)


@contextmanager
def locked_issue(issue: Issue) -> Iterator[Issue]:
    """Hold an issue's row while when it goes out is changed, and save it.

    Raises IssueError for a mail of a series, which has no time of its own.
    """
    with transaction.atomic():
        rows = Issue.objects.select_for_update(of=("self",))
        locked = rows.select_related("newsletter__publication").get(pk=issue.pk)
        if locked.is_of_series:
            raise IssueError(
                "This is a mail of a series: it goes to each subscriber when it is due for them. "
                "Publish it on the page of its step."
            )
        yield locked
        locked.save()


def _require_sendable(issue: Issue, revision: int) -> None:
    if issue.state not in OPEN:
        raise IssueError(f"It cannot be sent: it is {issue.get_state_display()}.")
    if not issue.says_the_same_as(revision):
        raise EditConflictError("Somebody changed this issue meanwhile. Look at it again.")
    if not issue.stories.exists():
        raise IssueError("There is no story in it.")


def _schedule(issue: Issue, at: datetime) -> None:
    issue.state, issue.send_at, issue.reason = State.BUILT, at, ""
    jobs.enqueue(jobs.PLAN_ISSUES)


def _hold(issue: Issue) -> None:
    """Let the issue wait for somebody to send it."""
    issue.state, issue.send_at = State.DRAFT, None
    issue.on_hold = issue.kind != Issue.Kind.MANUAL


def _undo_window(issue: Issue) -> timedelta:
    return timedelta(seconds=issue.newsletter.undo_seconds)
