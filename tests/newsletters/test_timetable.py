"""The next sends in subscribers' zones, over the days on which clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from digest.newsletters import schedules, timetable, zones
from digest.newsletters.errors import NewsletterError

DAILY = tuple(range(7))
HOUR = timedelta(hours=1)


def sends(
    home: str, *other_zones: str, now: datetime, send_in_local_time: bool = False
) -> list[timetable.Sending]:
    """The next three sends of a newsletter at seven."""
    rule = schedules.rule(timezone=home, days=DAILY, at=time(7))
    zones = [ZoneInfo(zone) for zone in other_zones]
    return timetable.upcoming(rule, now, 3, zones, send_in_local_time=send_in_local_time)


def test_all_zones_get_it_at_one_moment() -> None:
    """Seven in London is two in the morning in New York, and a quarter to one in Kathmandu."""
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    first = sends("Europe/London", "America/New_York", "Asia/Kathmandu", now=now)[0]
    assert first.slot == datetime(2026, 11, 24, 7, tzinfo=UTC)
    assert [f"{local.at:%a %H:%M}" for local in first.subscribers] == ["Tue 02:00", "Tue 12:45"]


def test_by_subscribers_clocks_each_gets_it_at_seven() -> None:
    """Whatever the difference is that week."""
    now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    for sending in sends(
        "Europe/London", "America/New_York", "Asia/Kathmandu", now=now, send_in_local_time=True
    ):
        assert {f"{local.at:%H:%M}" for local in (sending.home, *sending.subscribers)} == {"07:00"}


@pytest.mark.parametrize(
    ("zone", "day", "clock_change"),
    [
        ("Europe/London", date(2026, 10, 25), "clocks go back an hour"),
        ("Europe/London", date(2027, 3, 28), "clocks go forward an hour"),
        ("America/New_York", date(2026, 11, 1), "clocks go back an hour"),
        ("Australia/Lord_Howe", date(2026, 10, 4), "clocks go forward 30 minutes"),
        ("Australia/Lord_Howe", date(2027, 4, 4), "clocks go back 30 minutes"),
        ("Asia/Kathmandu", date(2026, 10, 25), ""),
        ("Europe/London", date(2026, 10, 26), ""),
        ("Europe/London", date(2026, 10, 24), ""),
    ],
)
def test_days_on_which_clocks_change_are_marked(zone: str, day: date, clock_change: str) -> None:
    """Forward or back, and by how much; the days beside it are not."""
    noon = datetime.combine(day, time(12), ZoneInfo(zone))
    assert timetable.local(noon.astimezone(UTC), ZoneInfo(zone)).clock_change == clock_change


def test_the_week_between_two_changes() -> None:
    """Britain changes a week before America does: for that week New York is an hour nearer."""
    now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    sendings = sends("Europe/London", "America/New_York", now=now)
    assert [f"{sending.subscribers[0].at:%H:%M}" for sending in sendings] == [
        "03:00",
        "03:00",
        "03:00",
    ]
    assert sendings[0].home.clock_change == "clocks go back an hour"
    assert sendings[0].subscribers[0].clock_change == ""
    later = sends("Europe/London", "America/New_York", now=now + timedelta(days=8))
    assert f"{later[0].subscribers[0].at:%H:%M}" == "02:00"
    assert sendings[1].slot - sendings[0].slot == 24 * HOUR


@pytest.mark.parametrize(
    ("now", "at", "local_time", "clock_change"),
    [
        (datetime(2027, 3, 27, 12, tzinfo=UTC), "01:30", "02:00", "01:30 is skipped"),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), "01:30", "01:30", "01:30 comes twice"),
    ],
)
def test_a_time_that_is_skipped_or_comes_twice_is_named(
    now: datetime, at: str, local_time: str, clock_change: str
) -> None:
    """London's clocks go forward from one to two, and back from two to one."""
    rule = schedules.rule(timezone="Europe/London", days=list(range(7)), at=time.fromisoformat(at))
    first = timetable.upcoming(rule, now, 1, [], send_in_local_time=False)[0]
    assert f"{first.home.at:%H:%M}" == local_time
    assert clock_change in first.home.clock_change
    assert "clocks go" in first.home.clock_change


@pytest.mark.parametrize("text", ["Asia/Kathmandu", "asia/kathmandu", " kathmandu ", "KATHMANDU"])
def test_a_zone_is_found_by_its_city(text: str) -> None:
    """In any case."""
    assert zones.named(text).key == "Asia/Kathmandu"


@pytest.mark.parametrize("text", ["", "Atlantis", "../etc/passwd", "a\x00b"])
def test_what_is_no_zone_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(NewsletterError, match="Europe/London"):
        zones.named(text)
