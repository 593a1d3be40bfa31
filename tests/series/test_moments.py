"""When a step may go out: hours of a subscriber's day, and days without an issue."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.series.moments import DAYS, Hours, next_moment

LONDON, AUCKLAND = ZoneInfo("Europe/London"), ZoneInfo("Pacific/Auckland")
MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
WORKING = Hours(9, 18)


def days(*numbers: int) -> set[date]:
    """Days from that Monday on."""
    return {MONDAY.date() + timedelta(days=number) for number in numbers}


@pytest.mark.parametrize(
    ("zone", "hours", "busy_days", "expected"),
    [
        (LONDON, Hours(), set(), MONDAY),
        (LONDON, WORKING, set(), MONDAY),
        (LONDON, Hours(15, 18), set(), MONDAY.replace(hour=15)),
        (LONDON, Hours(6, 12), set(), datetime(2026, 11, 24, 6, tzinfo=UTC)),  # it just ended
        (AUCKLAND, WORKING, set(), datetime(2026, 11, 23, 20, tzinfo=UTC)),  # 9:00 on Tuesday
        (LONDON, Hours(), days(0), datetime(2026, 11, 24, 0, tzinfo=UTC)),
        (LONDON, WORKING, days(0, 1), datetime(2026, 11, 25, 9, tzinfo=UTC)),
        (LONDON, WORKING, days(*range(DAYS)), MONDAY),  # no free day: days do not count
        (LONDON, Hours(15, 24), days(*range(DAYS)), MONDAY.replace(hour=15)),
    ],
)
def test_the_first_moment_that_fits(
    zone: ZoneInfo, hours: Hours, busy_days: set[date], expected: datetime
) -> None:
    """At once if it may, else when its hours or a free day begin."""
    assert next_moment(MONDAY, zone, hours, busy_days) == expected


@example(
    now=datetime(2024, 1, 1, tzinfo=UTC),
    zone=AUCKLAND,
    start=0,
    length=2,
    busy=set(range(1, DAYS)),  # only today is free, and its hours are over
)
@given(
    now=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from([LONDON, AUCKLAND, ZoneInfo("America/St_Johns"), ZoneInfo("UTC")]),
    start=st.integers(0, 23),
    length=st.integers(2, 24),
    busy=st.sets(st.integers(0, DAYS - 1)),
)
def test_it_is_within_the_hours_on_a_free_day(
    now: datetime, zone: ZoneInfo, start: int, length: int, busy: set[int]
) -> None:
    """Whatever the day, also when clocks change; and never in the past."""
    hours = Hours(start, min(24, start + length))
    today = now.astimezone(zone).date()
    busy_days = {today + timedelta(days=number) for number in busy}
    moment = next_moment(now, zone, hours, busy_days)
    local = moment.astimezone(zone)
    assert now <= moment < now + timedelta(days=DAYS + 1)
    assert hours.start <= local.hour < hours.end
    if len(busy) < DAYS - 1:  # of today and the others one is free and has its hours still
        assert local.date() not in busy_days
