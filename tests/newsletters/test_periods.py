"""Which slot ends a subscriber's day or week, and when that began."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.newsletters import periods, schedules
from digest.newsletters.models import Cadence
from digest.newsletters.schedules import Rule

DAILY, WEEKLY = Cadence.DAILY, Cadence.WEEKLY
THRICE = "0 7,13,19 * * *"
WEEKDAYS = "0 7 * * 1-5"


def rule(cron: str, zone: str = "Europe/London") -> Rule:
    """A cron line in London, unless told."""
    return schedules.rule(cron=cron, timezone=zone)


def ends(cron: str, cadence: Cadence, start: datetime, days: int, zone: str = "UTC") -> list[str]:
    """Return the slots of some days that end a period, as local times."""
    schedule_rule = rule(cron, zone)
    slots = schedules.slots(schedule_rule, start, start + timedelta(days=days))
    matching = (slot for slot in slots if periods.ends_at(slot, cadence, schedule_rule))
    return [f"{slot.astimezone(schedule_rule.timezone):%a %d %H:%M}" for slot in matching]


def test_a_day_ends_at_its_last_slot() -> None:
    """Of three a day, the third."""
    start = datetime(2026, 11, 23, tzinfo=UTC)
    assert ends(THRICE, DAILY, start, 2) == ["Mon 23 19:00", "Tue 24 19:00"]


def test_a_week_ends_at_its_last_slot() -> None:
    """On Friday for a newsletter of weekdays, on Sunday for one of every day."""
    start = datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert ends(WEEKDAYS, WEEKLY, start, 14) == ["Fri 27 07:00", "Fri 04 07:00"]
    assert ends(THRICE, WEEKLY, start, 7) == ["Sun 29 19:00"]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_sunday_and_monday_meet_at_midnight_of_the_schedules_zone(zone: str) -> None:
    """Half past midnight on Monday is of the new week, whatever day it is in UTC."""
    start = datetime(2026, 11, 24, tzinfo=UTC)
    assert ends("30 0,23 * * *", WEEKLY, start, 7, zone) == ["Sun 29 23:30"]


@pytest.mark.parametrize(
    ("sunday", "hours"),
    [(datetime(2026, 3, 29, 20, tzinfo=UTC), 167), (datetime(2026, 10, 25, 20, tzinfo=UTC), 169)],
)
def test_the_weeks_when_clocks_change_are_shorter_and_longer(sunday: datetime, hours: int) -> None:
    """London's week has 167 hours in March, and 169 in October."""
    schedule_rule = rule(THRICE)
    current = periods.begin(sunday, WEEKLY, schedule_rule)
    following = periods.begin(sunday + timedelta(days=1), WEEKLY, schedule_rule)
    assert following - current == timedelta(hours=hours)
    assert current.astimezone(ZoneInfo("Europe/London")).strftime("%a %H:%M") == "Mon 00:00"


def test_a_day_without_midnight_begins_at_its_first_moment() -> None:
    """In Cairo clocks went from midnight to one o'clock on 24 April 2026."""
    beginning = periods.begin(
        datetime(2026, 4, 24, 12, tzinfo=UTC), DAILY, rule(THRICE, "Africa/Cairo")
    )
    assert beginning == datetime(2026, 4, 23, 22, tzinfo=UTC)


@given(
    hour=st.integers(0, 3 * 366 * 24),
    zone=st.sampled_from(["Europe/London", "Pacific/Apia", "America/Havana", "Africa/Cairo"]),
    cron=st.sampled_from([THRICE, WEEKDAYS, "30 0,23 * * *", "15 */5 * * 0,1", "0 8 1 * *"]),
    cadence=st.sampled_from([DAILY, WEEKLY]),
)
def test_every_slot_is_in_one_period_and_each_period_ends_once(
    hour: int, zone: str, cron: str, cadence: Cadence
) -> None:
    """Between one end and the next lie only slots of one day or week."""
    schedule_rule = rule(cron, zone)
    start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
    slots = schedules.upcoming(schedule_rule, start, 40)
    begins = [periods.begin(slot, cadence, schedule_rule) for slot in slots]
    assert all(begin <= slot for begin, slot in zip(begins, slots, strict=True))
    changes = [earlier != later for earlier, later in pairwise(begins)]
    assert changes == [periods.ends_at(slot, cadence, schedule_rule) for slot in slots[:-1]]
