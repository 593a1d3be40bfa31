"""Slots, right through daylight saving time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Newsletter, Schedule
from digest.newsletters.schedules import Rule, checked, rule_of, slots, upcoming

LONDON = ZoneInfo("Europe/London")
ZONES = [
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",  # shifts by half an hour
    "Africa/Cairo",  # skips midnight
    "America/Santiago",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "UTC",
]


def local(rule: Rule, day: date, count: int = 1) -> list[str]:
    """Return the first slots on or after a local day, as local times."""
    start = datetime.combine(day, time(), rule.timezone) - timedelta(seconds=1)
    found = upcoming(rule, start.astimezone(UTC), count)
    return [slot.astimezone(rule.timezone).strftime("%d %H:%M %Z") for slot in found]


def test_a_time_that_dst_skips_goes_out_at_the_next_valid_minute() -> None:
    """01:30 does not exist on the day the clocks go forward; 02:00 does."""
    rule = Rule("30 1 * * *", LONDON)
    assert local(rule, date(2026, 3, 29), 2) == ["29 02:00 BST", "30 01:30 BST"]


def test_a_time_that_comes_twice_goes_out_once() -> None:
    """01:30 comes twice on the day the clocks go back; the first counts."""
    rule = Rule("30 1 * * *", LONDON)
    assert local(rule, date(2026, 10, 25), 2) == ["25 01:30 BST", "26 01:30 GMT"]


def test_a_look_from_inside_the_repeated_hour_finds_no_second_slot() -> None:
    """Between the two 01:30s the one of that day is past."""
    rule = Rule("30 1 * * *", LONDON)
    between = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert upcoming(rule, between, 1) == [datetime(2026, 10, 26, 1, 30, tzinfo=UTC)]


def test_a_line_by_the_minute_keeps_firing_in_real_time() -> None:
    """Every half hour means every half hour, while the clocks go back too."""
    rule = Rule("*/30 * * * *", LONDON)
    start = datetime(2026, 10, 24, 23, 0, tzinfo=UTC)
    found = upcoming(rule, start, 8)
    assert found == [start + timedelta(minutes=30 * step) for step in range(1, 9)]


def test_days_and_a_time_become_slots_on_those_days() -> None:
    """Monday is 0 with us and 1 with cron."""
    schedule = Schedule(days=[0, 6], time=time(7, 15), timezone="America/New_York")
    rule = rule_of(schedule)
    # 23 November 2026 is a Monday.
    assert local(rule, date(2026, 11, 23), 3) == ["23 07:15 EST", "29 07:15 EST", "30 07:15 EST"]


def test_slots_lie_after_the_start_and_up_to_the_end() -> None:
    """The start is left out, the end is in."""
    rule = Rule("0 * * * *", ZoneInfo("UTC"))
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert list(slots(rule, noon, noon + 2 * hour)) == [noon + hour, noon + 2 * hour]


@given(
    st.sampled_from(ZONES),
    st.times(),
    st.datetimes(datetime(2009, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001  made aware below
)
def test_a_daily_schedule_comes_once_a_local_day(zone: str, at: time, start: datetime) -> None:
    """In any zone, over any weeks: strictly later each time, and never two on one date."""
    rule = Rule(f"{at.minute} {at.hour} * * *", ZoneInfo(zone))
    found = upcoming(rule, start.replace(tzinfo=UTC), 20)
    dates = [slot.astimezone(rule.timezone).date() for slot in found]
    assert found == sorted(set(found))
    assert len(set(dates)) == 20
    # Apia had no 30 December 2011 at all; nowhere else is a date missing.
    if zone != "Pacific/Apia":
        assert dates[-1] - dates[0] == timedelta(days=19)


@pytest.mark.parametrize("line", ["", "* * * *", "0 0 30 2 *", "61 * * * *", "every day", "@daily"])
def test_a_line_that_names_no_moment_is_refused(line: str) -> None:
    """The message names the line."""
    with pytest.raises(NewsletterError, match=r"cron line|never comes"):
        checked(Rule(line, LONDON))


def test_a_schedule_without_days_is_refused() -> None:
    """Days and a time belong together."""
    schedule = Schedule(newsletter=Newsletter(name="Tide"), time=time(7), timezone="UTC")
    with pytest.raises(NewsletterError, match="no day or no time"):
        rule_of(schedule)
