"""When soft bounces become too many."""

from datetime import timedelta

import pytest

from digest.bounces import scoring
from tests.cast import NOON

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("interval", "first_that_suppresses"),
    [(DAY / 4, 57), (DAY, 15), (7 * DAY, 5), (30 * DAY, 8)],
)
def test_a_cadence_has_its_patience(interval: timedelta, first_that_suppresses: int) -> None:
    """Two weeks of several a day or a daily newsletter, five weeks of a weekly one, 8 months."""
    for number in range(1, 80):
        bounces = [NOON + place * interval for place in range(number)]
        if scoring.is_too_much(bounces, None, bounces[-1]):
            break
    assert number == first_that_suppresses


def test_a_good_delivery_takes_all_points_away() -> None:
    """Whoever got a mail since is there."""
    bounces = [NOON + number * DAY for number in range(20)]
    assert scoring.is_too_much(bounces, None, bounces[-1])
    assert not scoring.is_too_much(bounces, bounces[-2], bounces[-1])


def test_points_decay() -> None:
    """Half of their weight in 90 days; one day counts once."""
    assert scoring.score([NOON, NOON + DAY / 24], NOON + DAY / 24) == 1
    assert scoring.score([NOON], NOON + 90 * DAY) == pytest.approx(0.5)
