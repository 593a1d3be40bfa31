"""What a relay's word makes of a delivery, and when to try again. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.relays.transports.base import Reply
from digest.sending.models import Delivery

GIVE_UP = timedelta(days=4)  # RFC 5321 §4.5.4.1 asks for four to five days
# The first tries get past greylisting; then at least half an hour (same section).
WAITS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240))
SPREAD = 0.2  # of a wait, so that what was deferred together does not come back together

State = Delivery.State
_OPEN = {State.QUEUED, State.CLAIMED, State.DEFERRED, State.UNCERTAIN}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be recorded of an attempt."""

    state: Delivery.State
    code: int | None
    reply: str
    due_at: datetime | None = None  # of the next attempt, when deferred
    attempted: bool = False  # it was offered to a relay, which counts as a try

    @property
    def settled(self) -> bool:
        """Nothing more will come of it."""
        return self.state not in _OPEN


def outcome(
    reply: Reply, attempts: int, first_attempt_at: datetime, now: datetime, jitter: float
) -> Outcome:
    """Return what a reply makes of a delivery that was attempted `attempts` times, this one too.

    `jitter` is a number from 0 to 1 that spreads the next attempts.
    """
    if reply.accepted:
        return Outcome(State.SENT, reply.code, reply.text, attempted=True)
    if reply.permanent:
        return Outcome(State.FAILED, reply.code, reply.text, attempted=True)
    due_at = next_attempt(attempts, first_attempt_at, now, jitter)
    if due_at is None:
        words = f"Given up after {attempts} attempts over {GIVE_UP.days} days. {reply.text}"
        return Outcome(State.FAILED, reply.code, words, attempted=True)
    return Outcome(State.DEFERRED, reply.code, reply.text, due_at, attempted=True)


def next_attempt(
    attempts: int, first_attempt_at: datetime, now: datetime, jitter: float
) -> datetime | None:
    """Return when to try again after `attempts` tries in vain, or None to give up."""
    wait = WAITS[min(max(attempts, 1), len(WAITS)) - 1]
    due_at = now + wait * (1 + SPREAD * jitter)
    return due_at if due_at - first_attempt_at <= GIVE_UP else None
