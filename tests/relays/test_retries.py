"""When to try again: pure, so plain values."""

from datetime import timedelta

import pytest

from digest.relays.models import Dispatch
from digest.relays.retries import GIVE_UP, next_attempt, outcome_of
from digest.relays.transports.base import Reply
from tests.cast import NOON

MINUTE = timedelta(minutes=1)


def test_waits_grow_and_end_after_days() -> None:
    """Minutes at first, hours later, then no more."""
    now, waits = NOON, []
    for attempts in range(1, 1000):
        due = next_attempt(attempts, NOON, now, jitter=0)
        if due is None:
            break
        waits.append(due - now)
        now = due
    assert waits[:4] == [5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 60 * MINUTE]
    assert waits == sorted(waits)
    assert GIVE_UP - 4 * 60 * MINUTE <= now - NOON <= GIVE_UP


def test_jitter_spreads_but_never_shortens() -> None:
    """A fifth at most."""
    plain, spread = (next_attempt(3, NOON, NOON, jitter) for jitter in (0, 1))
    assert plain is not None
    assert spread is not None
    assert spread - plain == 6 * MINUTE


@pytest.mark.parametrize(
    ("code", "state"),
    [(250, "SENT"), (421, "DEFERRED"), (454, "DEFERRED"), (550, "FAILED"), (554, "FAILED")],
)
def test_a_reply_becomes_a_state(code: int, state: str) -> None:
    """4xx is for later, 5xx is for good; throttling (454) drops nobody."""
    outcome = outcome_of(Reply(code, "words"), 1, NOON, NOON, 0)
    assert (outcome.state, outcome.code) == (Dispatch.State[state], code)
    assert (outcome.due_at is not None) is (state == "DEFERRED")


def test_giving_up_says_so() -> None:
    """With the last words of the server."""
    outcome = outcome_of(Reply(451, "4.7.1 later"), 30, NOON - GIVE_UP, NOON, 0)
    assert outcome.state is Dispatch.State.FAILED
    assert outcome.reply == "Given up after 30 attempts over 4 days. 4.7.1 later"


@pytest.mark.parametrize(
    ("text", "attempts", "has_alternative", "state"),
    [
        ("5.6.7 no SMTPUTF8", 1, True, "DEFERRED"),
        ("5.3.4 too big", 5, True, "DEFERRED"),
        ("5.3.4 too big", 6, True, "FAILED"),
        ("5.6.7 no SMTPUTF8", 1, False, "FAILED"),
        ("5.1.1 nobody", 1, True, "FAILED"),
    ],
)
def test_what_another_relay_may_take_is_tried_again(
    text: str,
    attempts: int,
    has_alternative: bool,  # noqa: FBT001
    state: str,
) -> None:
    """Some times: nobody knows whether it can."""
    outcome = outcome_of(Reply(553, text), attempts, NOON, NOON, 0, has_alternative=has_alternative)
    assert (outcome.state, outcome.reply) == (Dispatch.State[state], text)
