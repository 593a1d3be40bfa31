"""How often a newsletter goes out, from its rule."""

from datetime import time, timedelta

import pytest

from digest.newsletters import schedules
from digest.newsletters.publicity.frequency import Frequency, Often, frequency
from tests.clock import NOON


@pytest.mark.parametrize(
    ("days", "cron", "expected"),
    [
        (range(7), "", Frequency(Often.DAILY)),
        (range(5), "", Frequency(Often.WORKDAYS)),
        ([4], "", Frequency(Often.WEEKLY, 4)),
        ([1, 3, 5], "", Frequency(Often.DAYS_A_WEEK, 3)),
        ([], "0 7,17 * * *", Frequency(Often.SEVERAL_A_DAY)),
        ([], "0 7,17 * * mon", Frequency(Often.WEEKLY, 0)),
        ([], "0 7,17 * * mon,thu", Frequency(Often.DAYS_A_WEEK, 2)),
        ([], "0 7 1 * *", Frequency(Often.MONTHLY)),
        ([], "0 7 1,15 * *", Frequency(Often.TWICE_A_MONTH)),
        ([], "0 7 1,11,21 * *", Frequency(Often.IRREGULARLY)),
        ([], "0 7 1-5 * *", Frequency(Often.IRREGULARLY)),
        ([], "0 7 * * sun", Frequency(Often.WEEKLY, 6)),
        ([], "0 7 29 2 *", Frequency(Often.IRREGULARLY)),
    ],
)
def test_a_rule_is_described(days: list[int], cron: str, expected: Frequency) -> None:
    """By its slots of the next four weeks, in its own zone."""
    at = None if cron else time(23, 30)
    rule = schedules.rule(timezone="America/New_York", days=list(days), at=at, cron=cron)
    assert frequency(rule, NOON) == expected


def test_a_monthly_rule_is_one_on_each_day_of_the_month() -> None:
    """Also on those after which the next slot is more than four weeks away."""
    rule = schedules.rule(timezone="UTC", days=[], at=None, cron="0 7 1 * *")
    days = [NOON + timedelta(days=number) for number in range(31)]
    assert {frequency(rule, day).often for day in days} == {Often.MONTHLY}


def test_no_rule_is_irregular() -> None:
    """It is sent when somebody sends it."""
    assert frequency(None, NOON) == Frequency(Often.IRREGULARLY)
