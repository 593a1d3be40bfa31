"""When a source is polled next."""

from datetime import timedelta

import pytest

from digest.articles import pacing
from tests.cast import NOON

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("wish", "minutes"), [(0, 15), (60, 15), (3600, 60), (7200, 120), (864_000, 120)]
)
def test_a_publishers_wish_is_followed_up_to_two_hours(wish: int, minutes: int) -> None:
    """Never more often than every quarter of an hour, never so rarely that mornings are missed."""
    assert pacing.after_success(NOON, wish, 0.5) == NOON + minutes * MINUTE


@pytest.mark.parametrize(
    ("failures", "minutes"), [(1, 15), (2, 30), (3, 60), (7, 960), (8, 1440), (5000, 1440)]
)
def test_failures_double_the_wait_up_to_a_day(failures: int, minutes: int) -> None:
    """A dead server is asked once a day, however long it has been dead."""
    assert pacing.after_failure(NOON, failures, None, 0.5) == NOON + minutes * MINUTE


@pytest.mark.parametrize(
    ("retry_after", "minutes"), [(1, 15), (3600, 60), (86_400, 1440), (10**12, 1440), (0, 15)]
)
def test_retry_after_is_honoured_up_to_a_day(retry_after: float, minutes: int) -> None:
    """Never sooner than a server asks, but a server cannot silence itself for ever."""
    assert pacing.after_failure(NOON, 1, retry_after, 0.5) == NOON + minutes * MINUTE


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_jitter_spreads_a_tenth_and_keeps_the_bounds(chance: float) -> None:
    """Sources don't march in step; the day stays the longest wait, Retry-After the shortest."""
    wait = pacing.after_success(NOON, 0, chance) - NOON
    assert abs(wait - 15 * MINUTE) <= 1.5 * MINUTE
    assert pacing.after_failure(NOON, 99, None, chance) <= NOON + timedelta(days=1)
    assert pacing.after_failure(NOON, 1, 3600, chance) >= NOON + timedelta(hours=1)
