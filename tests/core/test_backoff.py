"""Waits that grow with failures in a row."""

from datetime import timedelta

import pytest

from digest.core.backoff import Backoff

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(("failures", "minutes"), [(0, 1), (1, 1), (2, 5), (3, 30), (99, 30)])
def test_the_last_wait_repeats(failures: int, minutes: int) -> None:
    """And no failure at all waits like the first."""
    assert Backoff((MINUTE, 5 * MINUTE, 30 * MINUTE)).wait(failures) == minutes * MINUTE


@pytest.mark.parametrize(("failures", "minutes"), [(1, 1), (2, 2), (4, 8), (5, 10), (99, 10)])
def test_doubling_ends_at_the_longest(failures: int, minutes: int) -> None:
    """Which need not be a power of two."""
    assert Backoff.doubling(MINUTE, 10 * MINUTE).wait(failures) == minutes * MINUTE


@pytest.mark.parametrize(("chance", "seconds"), [(0, 54), (0.5, 60), (1, 66)])
def test_jitter_is_a_range(chance: float, seconds: int) -> None:
    """The random number places a wait within it."""
    backoff = Backoff((MINUTE,), jitter=(-0.1, 0.1))
    assert backoff.wait(1, chance) == timedelta(seconds=seconds)
