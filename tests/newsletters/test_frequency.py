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
        ([], "0 7,9 1 * *", Frequency(Often.MONTHLY)),
        ([], "0 * * * *", Frequency(Often.SEVERAL_A_DAY)),
        ([], "*/30 * * * *", Frequency(Often.SEVERAL_A_DAY)),
        ([], "*/5 * * * *", Frequency(Often.SEVERAL_A_DAY)),
    ],
)
def test_a_rule_is_described(days: list[int], cron: str, expected: Frequency) -> None:
    """By its slots of the next four weeks, in its own zone."""
    at = None if cron else time(23, 30)
    rule = schedules.rule(timezone="America/New_York", days=list(days), at=at, cron=cron)
    assert frequency(rule, NOON) == expected


@pytest.mark.parametrize(
    ("days", "often"),
    [
        ("1", Often.MONTHLY),
        ("28", Often.MONTHLY),
        ("1,15", Often.TWICE_A_MONTH),
        ("14,28", Often.TWICE_A_MONTH),
        ("1,11,21", Often.IRREGULARLY),
    ],
)
def test_a_rule_of_days_of_the_month_is_the_same_all_year(days: str, often: Often) -> None:
    """Also on those after which the next slot is more than four weeks away."""
    rule = schedules.rule(timezone="UTC", days=[], at=None, cron=f"0 7 {days} * *")
    moments = [NOON + timedelta(days=number, hours=-6) for number in range(366)]
    assert {frequency(rule, moment).often for moment in moments} == {often}


def test_no_rule_is_irregular() -> None:
    """It is sent when somebody sends it."""
    assert frequency(None, NOON) == Frequency(Often.IRREGULARLY)
