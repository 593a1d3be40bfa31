"""The same local time, zone by zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from digest.newsletters.zones import WIDEST, times_of

BERLIN, KOLKATA, LONDON = map(ZoneInfo, ("Europe/Berlin", "Asia/Kolkata", "Europe/London"))
SEVEN = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # in Berlin
PLACES = ["Pacific/Kiritimati", "Asia/Kolkata", "America/New_York", "Pacific/Pago_Pago"]


def test_a_local_time_comes_to_the_east_first() -> None:
    """Fourteen hours before UTC on the Line Islands, eleven after it in Samoa."""
    times = times_of(SEVEN, BERLIN)
    assert [times.by_zone[place] for place in PLACES] == [
        datetime(2026, 11, 22, 17, 0, tzinfo=UTC),
        datetime(2026, 11, 23, 1, 30, tzinfo=UTC),
        datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
        datetime(2026, 11, 23, 18, 0, tzinfo=UTC),
    ]


def test_who_lives_by_the_schedules_clock_is_not_elsewhere() -> None:
    """Nor is a zone of another name and the same time."""
    assert not {"Europe/Berlin", "Europe/Paris"} & times_of(SEVEN, BERLIN).by_zone.keys()


def test_a_time_that_a_zone_skips_comes_at_its_next_valid_minute() -> None:
    """New York had no half past two on 14 March 2027: three o'clock, summer time."""
    slot = datetime(2027, 3, 14, 2, 30, tzinfo=KOLKATA).astimezone(UTC)
    moment = times_of(slot, KOLKATA).by_zone["America/New_York"]
    assert moment == datetime(2027, 3, 14, 7, 0, tzinfo=UTC)


def test_a_time_that_a_zone_has_twice_comes_the_first_time() -> None:
    """Half past one in New York, still summer time."""
    slot = datetime(2026, 11, 1, 1, 30, tzinfo=KOLKATA).astimezone(UTC)
    moment = times_of(slot, KOLKATA).by_zone["America/New_York"]
    assert moment == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_the_second_of_two_equal_times_at_home_is_not_taken_for_the_first() -> None:
    """An hourly newsletter has a slot at each; who lives by its clock gets each at its moment."""
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    times = times_of(second, LONDON)
    assert "Europe/London" not in times.by_zone
    assert "Europe/Jersey" not in times.by_zone
    assert times.by_zone["Europe/Berlin"] == datetime(2026, 10, 24, 23, 30, tzinfo=UTC)


@given(
    st.integers(0, 10 * 366 * 24 * 4).map(lambda n: SEVEN + timedelta(minutes=15 * n)),
    st.sampled_from([*PLACES, "Australia/Lord_Howe", "Etc/GMT+12"]),
)
def test_no_place_is_further_away_than_the_widest(slot: datetime, home: str) -> None:
    """And everywhere the clocks show the slot's time, or soon after where they skip it."""
    zone = ZoneInfo(home)
    wall = slot.astimezone(zone).replace(tzinfo=None)
    for name, moment in times_of(slot, zone).by_zone.items():
        assert abs(moment - slot) < WIDEST
        local_time = moment.astimezone(ZoneInfo(name)).replace(tzinfo=None)
        assert timedelta() <= local_time - wall <= timedelta(hours=2)


def test_between_takes_the_moments_after_one_until_another() -> None:
    """The first is out, the last is in: two spans side by side share no zone."""
    times = times_of(SEVEN, BERLIN)
    kolkata, york = times.by_zone["Asia/Kolkata"], times.by_zone["America/New_York"]
    between = times.between(kolkata, york)
    assert "Asia/Kolkata" not in between
    assert "America/New_York" in between
