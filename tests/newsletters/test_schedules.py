"""Slots, right through daylight saving time."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Schedule
from digest.newsletters.schedules import Rule, checked, previous, rule_of, slots, upcoming, warnings
from digest.newsletters.schedules import rule as make_rule

LONDON = ZoneInfo("Europe/London")
HOUR = timedelta(hours=1)
ZONES = [
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",  # shifts by half an hour
    "Africa/Cairo",  # skips midnight
    "America/Santiago",
    "Asia/Beirut",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "UTC",
]


def local(rule: Rule, day: date, count: int = 1) -> list[str]:
    """Return the first slots on or after a local day, as local times."""
    start = datetime.combine(day, time(), rule.timezone) - timedelta(seconds=1)
    moments = upcoming(rule, start.astimezone(UTC), count)
    return [slot.astimezone(rule.timezone).strftime("%d %H:%M %Z") for slot in moments]


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
    moments = upcoming(rule, start, 8)
    assert moments == [start + timedelta(minutes=30 * step) for step in range(1, 9)]


@pytest.mark.parametrize("line", ["*/30 1 * * *", "0,30 1 * * *"])
def test_a_line_with_its_hour_named_keeps_both_rules_however_its_minutes_are_written(
    line: str,
) -> None:
    """A star among the minutes names no hour less."""
    rule = Rule(line, LONDON)
    assert local(rule, date(2026, 3, 29), 2) == ["29 02:00 BST", "30 01:00 BST"]
    assert local(rule, date(2026, 10, 25), 3) == ["25 01:00 BST", "25 01:30 BST", "26 01:00 GMT"]


@pytest.mark.parametrize("hours", ["*", "*/1", "0-23"])
def test_every_hour_means_every_hour_however_it_is_written(hours: str) -> None:
    """The hour that comes twice has two slots, the one that is skipped none."""
    rule = Rule(f"0 {hours} * * *", LONDON)
    autumn = ["25 00:00 BST", "25 01:00 BST", "25 01:00 GMT", "25 02:00 GMT"]
    assert local(rule, date(2026, 10, 25), 4) == autumn
    assert local(rule, date(2026, 3, 29), 3) == ["29 00:00 GMT", "29 02:00 BST", "29 03:00 BST"]


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("Africa/Cairo", date(2026, 4, 23), ["23 00:00", "24 01:00", "25 00:00"]),
        ("Asia/Beirut", date(2026, 3, 28), ["28 00:00", "29 01:00", "30 00:00"]),
        ("America/Sao_Paulo", date(2018, 11, 3), ["03 00:00", "04 01:00", "05 00:00"]),
        ("Australia/Lord_Howe", date(2026, 10, 3), ["03 00:00", "04 00:00", "05 00:00"]),
    ],
)
@pytest.mark.parametrize("hour", ["0", "*/24"])
def test_a_midnight_that_dst_skips_loses_no_issue(
    zone: str, day: date, expected: list[str], hour: str
) -> None:
    """Where clocks go forward at midnight, that day's issue goes out at one."""
    moments = local(Rule(f"0 {hour} * * *", ZoneInfo(zone)), day, 3)
    assert [text[:8] for text in moments] == expected


def test_where_dst_is_half_an_hour_the_next_valid_minute_is_half_past() -> None:
    """Lord Howe goes from 02:00 to 02:30, and back from 02:00 to 01:30."""
    forward = local(Rule("15 2 * * *", ZoneInfo("Australia/Lord_Howe")), date(2026, 10, 4), 2)
    assert [text[:8] for text in forward] == ["04 02:30", "05 02:15"]
    back = local(Rule("45 1 * * *", ZoneInfo("Australia/Lord_Howe")), date(2026, 4, 5), 2)
    assert back == ["05 01:45 +11", "06 01:45 +1030"]


def test_a_day_that_a_zone_left_out_has_no_issue() -> None:
    """Apia went from 29 to 31 December 2011; the 31st has its own issue and no other."""
    moments = local(Rule("0 7 * * *", ZoneInfo("Pacific/Apia")), date(2011, 12, 29), 3)
    assert [text[:8] for text in moments] == ["29 07:00", "31 07:00", "01 07:00"]


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


# Days on which the clocks of the zones above were changed, and Apia's missing one.
TURNS = [
    *("2011-12-30", "2018-11-04", "2018-02-18", "2024-03-31", "2026-03-29", "2026-04-05"),
    *("2026-04-24", "2026-10-04", "2026-10-25", "2026-10-30", "2026-11-01", "2026-03-08"),
]
starts = st.one_of(
    st.datetimes(datetime(2009, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001  made aware below
    st.builds(
        lambda day, hours: datetime.fromisoformat(day) - timedelta(hours=hours),
        st.sampled_from(TURNS),
        st.floats(-30, 72),
    ),
)


@given(
    st.sampled_from(ZONES),
    st.sets(st.integers(0, 6), min_size=1),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    starts,
)
def test_a_schedule_comes_once_on_each_of_its_days(
    zone: str, days: set[int], at: time, start: datetime
) -> None:
    """In any zone, over any weeks: strictly later, on chosen days, none twice, none left out."""
    rule = make_rule(timezone=zone, days=sorted(days), at=at)
    after = start.replace(tzinfo=UTC)
    moments = upcoming(rule, after, 12)
    local_times = [slot.astimezone(rule.timezone) for slot in moments]
    assert after < moments[0]
    assert moments == sorted(set(moments))
    assert len({moment.date() for moment in local_times}) == 12
    assert {moment.weekday() for moment in local_times} <= days
    for moment in local_times:
        # On time, or at the end of the gap that swallowed its time.
        late = datetime.combine(moment, at, rule.timezone) - moment
        assert moment.time() == at or (moment.time() > at and -2 <= late / HOUR < 0)
    dates = dates_between(local_times[0].date(), local_times[-1].date(), days)
    left_out = {date(2011, 12, 30)} if zone == "Pacific/Apia" else set()
    assert [moment.date() for moment in local_times] == [
        day for day in dates if day not in left_out
    ]


def dates_between(first: date, last: date, days: set[int]) -> list[date]:
    """Return the dates from one to another that fall on the days."""
    every = (first + timedelta(days=step) for step in range((last - first).days + 1))
    return [day for day in every if day.weekday() in days]


@given(st.sampled_from(ZONES), st.sampled_from(["*/7 * * * *", "0 7,19 * * 1-5"]), starts)
def test_slots_found_in_steps_are_the_slots_found_at_once(
    zone: str, line: str, start: datetime
) -> None:
    """A beat that looks every so often misses none and finds none twice."""
    rule = Rule(line, ZoneInfo(zone))
    after = start.replace(tzinfo=UTC)
    ticks = [after + timedelta(minutes=37 * step) for step in range(60)]
    stepped = [slot for a, b in pairwise(ticks) for slot in slots(rule, a, b)]
    assert stepped == list(slots(rule, after, ticks[-1]))


@pytest.mark.parametrize(
    "line",
    ["", "* * * *", "0 0 30 2 *", "61 * * * *", "every day", "@daily", "1," * 100 + "1 * * * *"],
)
def test_a_line_that_names_no_moment_is_refused(line: str) -> None:
    """The message names the line."""
    with pytest.raises(NewsletterError, match=r"cron line|never comes|Say when"):
        checked(Rule(line, LONDON))


def test_a_schedule_without_days_is_refused() -> None:
    """Days and a time belong together."""
    schedule = Schedule(time=time(7), timezone="UTC")
    with pytest.raises(NewsletterError, match="Say when it goes out"):
        rule_of(schedule)


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 7 * * 1-5", datetime(2026, 11, 20, 7, tzinfo=UTC)),  # Friday
        ("* * * * *", datetime(2026, 11, 23, 6, 59, tzinfo=UTC)),
        ("0 7 1 1 *", datetime(2026, 1, 1, 7, tzinfo=UTC)),
        ("0 7 29 2 *", None),
    ],
)
def test_the_slot_before_is_found_however_far_back(cron: str, expected: datetime | None) -> None:
    """Within a year; the moment itself doesn't count."""
    monday = datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert previous(Rule(cron, ZoneInfo("UTC")), monday) == expected


@pytest.mark.parametrize(
    ("cron", "count"),
    [
        ("0 7 1 * 1", 1),
        ("0 7 1-31 * 1", 1),
        ("0 7 1,15 * mon-fri", 1),
        ("30 6 13 * 5", 1),
        ("0 7 * * 1", 0),
        ("0 7 1 * *", 0),
        ("0 7 */2 * 1", 0),
        ("0 7 1 * */2", 0),
        ("", 0),
    ],
)
def test_cron_counts_days_and_weekdays_alike_and_says_so(cron: str, count: int) -> None:
    """As Vixie cron does; a warning where, and only where, one of the two is enough."""
    schedule = Schedule(cron=cron, days=[0], time=time(7), timezone="UTC")
    assert len(warnings(schedule)) == count
    assert warnings(None) == []


def test_cron_sends_on_days_and_on_weekdays() -> None:
    """What the warning says is so: the first of July 2026 is a Wednesday."""
    rule = make_rule(timezone="UTC", cron="0 7 1 * 1")
    assert local(rule, date(2026, 6, 25), 3) == ["29 07:00 UTC", "01 07:00 UTC", "06 07:00 UTC"]
