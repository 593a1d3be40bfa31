"""After downtime: send late, merge or skip, and never a pile."""

from datetime import UTC, datetime, timedelta

import pytest

from digest.newsletters.catchup import RECORDED, Terms, decide
from digest.newsletters.choices import CatchUp

MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WEEK = [MONDAY - DAY * ago for ago in range(6, -1, -1)]


def terms(policy: str) -> Terms:
    """Late by four hours at most; the next slot is on Tuesday."""
    return Terms(policy, 4 * HOUR, MONDAY + DAY, UTC)


@pytest.mark.parametrize("policy", list(CatchUp))
def test_a_slot_found_in_time_is_built(policy: str) -> None:
    """A few minutes of delay are not downtime."""
    [decision] = decide([MONDAY], terms(policy), MONDAY + timedelta(minutes=3))
    assert decision.build


@pytest.mark.parametrize("policy", list(CatchUp))
@pytest.mark.parametrize("delay", [timedelta(), HOUR, 5 * HOUR])
def test_never_more_than_the_latest_is_built(policy: str, delay: timedelta) -> None:
    """A week of missed slots makes one issue at most, and each other one has its reason."""
    decisions = decide(WEEK, terms(policy), MONDAY + delay)
    assert [d.slot for d in decisions] == WEEK
    assert not any(d.build for d in decisions[:-1])
    assert all(d.build or d.reason for d in decisions)


@pytest.mark.parametrize(
    ("policy", "delay", "built"),
    [
        (CatchUp.SEND_LATE, HOUR, True),
        (CatchUp.SEND_LATE, 4 * HOUR, True),
        (CatchUp.SEND_LATE, 5 * HOUR, False),
        (CatchUp.MERGE, HOUR, False),
        (CatchUp.SKIP, HOUR, False),
    ],
)
def test_a_late_slot_follows_the_policy(policy: str, delay: timedelta, built: bool) -> None:  # noqa: FBT001
    """Send late until the deadline, merge into the next, or skip."""
    [decision] = decide([MONDAY], terms(policy), MONDAY + delay)
    assert decision.build is built


def test_merging_names_the_issue_that_takes_the_stories() -> None:
    """An editor reads when the stories will go out."""
    [decision] = decide([MONDAY], terms(CatchUp.MERGE), MONDAY + HOUR)
    assert "Tue 24 Nov 2026, 07:00 UTC" in decision.reason


def test_a_long_downtime_records_few_rows_and_says_so() -> None:
    """A line by the minute, a day away: twenty rows, and the number of the others."""
    due = [MONDAY + timedelta(minutes=minute) for minute in range(1440)]
    decisions = decide(due, terms(CatchUp.SEND_LATE), due[-1])
    assert len(decisions) == RECORDED
    assert decisions[-1].build
    assert f"{1440 - RECORDED} earlier ones" in decisions[0].reason


def test_nothing_due_needs_no_decision() -> None:
    """The usual tick."""
    assert decide([], terms(CatchUp.SEND_LATE), MONDAY) == []
