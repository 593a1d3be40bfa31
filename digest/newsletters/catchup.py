"""What to do with slots that are due: normally build one; after downtime, never a pile. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from digest.core.clock import format_moment
from digest.newsletters.choices import CatchUp

GRACE = timedelta(minutes=10)  # a slot found this late is on time
RECORDED = 20  # missed slots that get a row of their own after a long downtime


class Decision(NamedTuple):
    """What becomes of one due slot."""

    slot: datetime
    build: bool
    reason: str  # for an editor, where it isn't built


class Terms(NamedTuple):
    """How a newsletter catches up."""

    policy: str
    late: timedelta  # how long after its slot an issue may still go out
    next_slot: datetime | None
    timezone: tzinfo
    due_elsewhere: bool = False  # by their own clocks, some subscribers may still have the latest


def patience(policy: str, late: timedelta) -> timedelta:
    """Return how long after its time an issue may still go out."""
    return max(GRACE, late) if policy == CatchUp.SEND_LATE else GRACE


def decide(due: Sequence[datetime], terms: Terms, now: datetime) -> list[Decision]:
    """Decide about due slots (in order), oldest first.

    At most the last of them is built. Of a long row, only the latest RECORDED come back; the
    oldest of those says how many there were before it.
    """
    if not due:
        return []
    *missed, last = due
    verdicts = [*(_missed(slot, last, terms, now) for slot in missed), _latest(last, terms, now)]
    recorded = verdicts[-RECORDED:]
    if left := len(verdicts) - len(recorded):
        recorded[0] = recorded[0]._replace(
            reason=f"{recorded[0].reason} So "
            f"{'was one earlier one' if left == 1 else f'were {left} earlier ones'}."
        )
    return recorded


def _latest(slot: datetime, terms: Terms, now: datetime) -> Decision:
    if now - slot <= patience(terms.policy, terms.late):
        return Decision(slot, build=True, reason="")
    if terms.due_elsewhere and terms.policy != CatchUp.MERGE:
        return Decision(slot, build=True, reason="")
    if terms.policy == CatchUp.SEND_LATE:
        deadline = format_moment(slot + terms.late, terms.timezone)
        return _skip(slot, f"Missed, and found after its deadline of {deadline}.")
    return _missed(slot, None, terms, now)


def _missed(slot: datetime, built: datetime | None, terms: Terms, now: datetime) -> Decision:
    if terms.policy == CatchUp.SKIP:
        return _skip(slot, "Missed; this newsletter skips what it missed.")
    if terms.policy == CatchUp.SEND_LATE:
        return _skip(slot, "Missed; only the latest of the missed issues may go out late.")
    merged_slot = terms.next_slot if built is None or now - built > GRACE else built
    target = (
        f"the issue of {format_moment(merged_slot, terms.timezone)}"
        if merged_slot
        else "the next issue"
    )
    return _skip(slot, f"Missed; its stories are merged into {target}.")


def _skip(slot: datetime, reason: str) -> Decision:
    return Decision(slot, build=False, reason=reason)
