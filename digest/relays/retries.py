"""What a relay's reply means for a delivery, and when to try again. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

from digest.core.backoff import Backoff
from digest.relays.models import Dispatch
from digest.relays.transports.base import Reply

GIVE_UP = timedelta(days=4)  # RFC 5321 §4.5.4.1 asks for four to five days
# The first tries get past greylisting; then at least half an hour (same section).
BACKOFF = Backoff(
    tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240)), jitter=(0, 0.2)
)

# What one relay cannot take, and another one may: a message as long (RFC 3463 §3.6), an address
# beyond ASCII (RFC 6531 §3.5). Which relay refused is not stored: each attempt goes to one drawn by
# weight. Of two with equal weights, five more attempts reach the other one in 97 of 100 cases; one
# with a tenth of the mail in 41.
OF_THE_RELAY = frozenset({"5.3.4", "5.6.7"})
MOST_BY_OTHERS = 6  # attempts, over four hours

State = Dispatch.State

# What is stored where a message was handed over and no reply is known: it may have arrived.
UNCERTAIN_REPLY = "Uncertain: the connection or the worker ended before the SMTP reply arrived."


class Outcome(NamedTuple):
    """What to record of an attempt."""

    state: Dispatch.State
    code: int | None
    reply: str
    due_at: datetime | None = None  # of the next attempt, when queued or deferred
    attempted: bool = False  # the relay was offered the message, which counts as an attempt

    @property
    def settled(self) -> bool:
        """This is the end of the delivery."""
        return self.state in Dispatch.SETTLED


def outcome_of(
    reply: Reply,
    attempts: int,
    first_attempt_at: datetime,
    now: datetime,
    jitter: float,
    *,
    has_alternative: bool = False,
) -> Outcome:
    """Return the outcome of a reply to attempt number `attempts`.

    `jitter` is a number from 0 to 1 that spreads the next attempts. `has_alternative` says that
    another relay may carry the message.
    """
    if reply.accepted:
        return Outcome(State.SENT, reply.code, reply.text, attempted=True)
    is_for_others = has_alternative and attempts < MOST_BY_OTHERS
    if reply.permanent and not (is_for_others and reply.enhanced in OF_THE_RELAY):
        return Outcome(State.FAILED, reply.code, reply.text, attempted=True)
    due_at = next_attempt(attempts, first_attempt_at, now, jitter)
    if due_at is None:
        text = f"Given up after {attempts} attempts over {GIVE_UP.days} days. {reply.text}"
        return Outcome(State.FAILED, reply.code, text, attempted=True)
    return Outcome(State.DEFERRED, reply.code, reply.text, due_at, attempted=True)


def postponed(due_at: datetime) -> Outcome:
    """Return the outcome of a delivery that was not attempted and waits until `due_at`."""
    return Outcome(State.QUEUED, None, "", due_at)


def next_attempt(
    attempts: int, first_attempt_at: datetime, now: datetime, jitter: float
) -> datetime | None:
    """Return when to try again after `attempts` failed attempts, or None to give up."""
    due_at = now + BACKOFF.wait(attempts, jitter)
    return due_at if due_at - first_attempt_at <= GIVE_UP else None
