"""What time it is, and spans of time in words."""

from datetime import UTC, datetime, timedelta

import pytest

from digest.core import clock
from tests.clock import NOON


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "in 1 second"),
        (1, "in 1 second"),
        (48.4, "in 48 seconds"),
        (89, "in 89 seconds"),
        (90, "in 2 minutes"),
        (80 * 60, "in 80 minutes"),
        (3 * 3_600 - 5, "in 3 hours"),
        (86_399, "in 24 hours"),
        (2 * 86_400 + 1, "in 2 days"),
        (-1, "1 second ago"),
        (-3 * 86_400, "3 days ago"),
    ],
)
def test_a_wait_is_said_to_the_nearest(seconds: float, text: str) -> None:
    """As people say it: an hour less five seconds is an hour."""
    assert clock.in_words(timedelta(seconds=seconds)) == text


def test_it_is_noon_in_tests_and_time_passes() -> None:
    """On whatever day they run; nobody's session of tests lasts six hours."""
    earlier = clock.now()
    assert NOON <= earlier < clock.now() < NOON + timedelta(hours=6)


@pytest.mark.real_clock
def test_the_time_is_that_of_the_machine_and_in_utc() -> None:
    """As everywhere outside tests."""
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
