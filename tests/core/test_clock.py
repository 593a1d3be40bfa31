"""Spans of time in words."""

from datetime import timedelta

import pytest

from digest.core import clock


@pytest.mark.parametrize(
    ("seconds", "said"),
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
def test_a_wait_is_said_to_the_nearest(seconds: float, said: str) -> None:
    """As people say it: an hour less five seconds is an hour."""
    assert clock.in_words(timedelta(seconds=seconds)) == said
