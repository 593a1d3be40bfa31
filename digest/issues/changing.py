"""What every change of an issue has in common: who may still make it, what it leaves behind.

A change takes an approval away, because that was of other content, and is recorded so that it can
be undone. One that depends on what its editor saw names the revision, or the version of the block
or story, and is refused if somebody else was faster; one that fits whatever was changed meanwhile
(a story moved, a block added) names none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from django.db import transaction

from digest.accounts.models import User
from digest.core import clock
from digest.issues import history
from digest.issues.errors import EditConflictError, IssueError
from digest.issues.models import Block, Issue, Story
from digest.newsletters.choices import Approval

State = Issue.State
Versioned = TypeVar("Versioned", Block, Story)
OPEN = (State.DRAFT, State.BUILT)  # while nothing has left
CHANGED_ISSUE = "Somebody else changed this issue meanwhile. Look at it again, then change it."


@contextmanager
def changing(
    issue: Issue, revision: int | None, by: User, summary: str, change_key: str = ""
) -> Iterator[Issue]:
    """Hold the issue while it is changed, and record the change as `summary`.

    Raises IssueError where it is too late, EditConflictError for another revision. See
    `history` for `change_key`.
    """
    with transaction.atomic():
        locked = lock(issue, revision)
        now = clock.now()
        history.begin(locked, now)
        yield locked
        renumber(locked)
        settle(locked, by)
        history.record(locked, summary, change_key, by, now)
        locked.save()


def lock(issue: Issue, revision: int | None) -> Issue:
    """Return the issue, locked, if it can still be changed and is of this revision."""
    locked = (
        Issue.objects.select_for_update(of=("self",))
        .select_related("newsletter__publication")
        .get(pk=issue.pk)
    )
    if locked.state not in OPEN or locked.planned_at:
        raise IssueError(f"This issue cannot be changed any more: it is {_state(locked)}.")
    if revision is not None and not locked.says_the_same_as(revision):
        raise EditConflictError(CHANGED_ISSUE)
    return locked


def settle(issue: Issue, by: User) -> None:
    """Make the next revision, which `by` contributed to and nobody has approved."""
    issue.make_next_revision()
    issue.changed_by = by
    issue.contributors = sorted({*issue.contributors, by.pk})
    unsettle(issue)


def unsettle(issue: Issue) -> None:
    """Take approval and final texts away from an issue whose content is another now."""
    issue.approved_by, issue.approved_at, issue.approved_hash = None, None, ""
    issue.subject, issue.preheader = "", ""  # until it is compiled
    if issue.newsletter.approval != Approval.NONE:
        issue.state = State.DRAFT
        if not _keeps_time(issue):
            issue.send_at = None


def _unchanged(row: Versioned | None, noun: str, version: int | None) -> Versioned:
    if row is None:
        raise EditConflictError(f"This {noun} is no longer in the issue. Look at it again.")
    if version is not None and row.version != version:
        raise EditConflictError(f"Somebody else changed this {noun} meanwhile.")
    return row


def _keeps_time(issue: Issue) -> bool:
    """Say whether an issue keeps its time: one that somebody chose, not that of "send now"."""
    undo_window = timedelta(seconds=issue.newsletter.undo_seconds)
    is_chosen = issue.send_at is not None and issue.send_at > clock.now() + undo_window
    return issue.goes_by_itself and is_chosen


def block_of(issue: Issue, block_id: int, version: int | None = None) -> Block:
    """Return a block of the issue; raise EditConflictError if it is gone or another by now."""
    return _unchanged(issue.blocks.filter(pk=block_id).first(), "block", version)


def story_of(issue: Issue, story_id: int, version: int | None = None) -> Story:
    """Return a story of the issue; raise EditConflictError if it is gone or another by now."""
    return _unchanged(issue.stories.filter(pk=story_id).first(), "story", version)


def left_out_entry(story: Story, reason: str) -> dict[str, Any]:
    """Return what `Issue.left_out` holds of a story that has been removed."""
    return {"article": story.article_id, "title": story.title, "reason": reason}


def renumber(issue: Issue) -> None:
    """Number blocks, and stories in the order of their blocks, from 0; checked at the commit."""
    for position, block in enumerate(issue.blocks.order_by("position", "pk")):
        _place(block, position)
    for position, story in enumerate(issue.stories.order_by("block__position", "position", "pk")):
        _place(story, position)


def _place(row: Block | Story, position: int) -> None:
    if row.position != position:
        row.position = position
        row.save(update_fields=["position"])


def _state(issue: Issue) -> str:
    return str(issue.get_state_display())
