"""The warm-up of a relay: pure, so plain values."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.relays.throttles.buckets import Bound, Limit, Quota
from digest.relays.warming import (
    PACE_HOURS,
    Warming,
    allowance,
    days_to_send,
    domain_bounds,
    last_day,
    relay_bounds,
    schedule,
)

MONDAY = date(2026, 11, 23)
DAY = timedelta(days=1)


def bounds(warming: Warming, relay: str, domain: str, today: date) -> tuple[Bound, ...]:
    """Return what bounds a message from a relay to a domain."""
    return relay_bounds(warming, relay, today) + domain_bounds(warming, relay, domain, today)


warmings = st.builds(
    Warming,
    started_on=st.just(MONDAY),
    start=st.integers(1, 10**6),
    growth=st.floats(1, 100),
    until=st.integers(1, 10**9),
)
days = st.integers(-1000, 400_000).map(lambda number: MONDAY + number * DAY)


def test_it_doubles_each_day_until_it_is_over() -> None:
    """A thousand, two, four … and no limit from the eleventh day on."""
    plan = [allowance(Warming(MONDAY), MONDAY + number * DAY) for number in range(12)]
    assert plan[:4] == [1_000, 2_000, 4_000, 8_000]
    assert plan[9:] == [512_000, None, None]


def test_days_before_the_first_count_as_the_first() -> None:
    """A clock that is a little behind stops nobody and frees nobody."""
    assert allowance(Warming(MONDAY), MONDAY - DAY) == 1_000


def test_without_growth_it_stays_the_same() -> None:
    """Growth 1 is a limit for ever."""
    assert allowance(Warming(MONDAY, 500, 1.0), date.max) == 500


@pytest.mark.parametrize(("start", "growth"), [(0, 2.0), (1_000, 0.9)])
def test_a_plan_without_an_end_is_refused(start: int, growth: float) -> None:
    """It could never begin, or would allow less each day."""
    with pytest.raises(ValueError, match="begins with nothing"):
        Warming(MONDAY, start, growth)


@given(warmings, days, days)
def test_a_later_day_never_allows_less(warming: Warming, day: date, another_day: date) -> None:
    """Whatever the plan is; and once there is no limit, there is none later."""
    earlier, later = (allowance(warming, day) for day in sorted((day, another_day)))
    if earlier is None:
        assert later is None
    else:
        assert later is None or later >= earlier >= 1


@given(warmings, days)
def test_allowances_stay_below_the_end(warming: Warming, day: date) -> None:
    """From `until` on there is no limit."""
    allowed = allowance(warming, day)
    assert allowed is None or allowed < warming.until


@given(warmings, days)
def test_bounds_limit_the_day_and_the_pace(warming: Warming, day: date) -> None:
    """Each quota is within the allowance, and takes hours to spend."""
    allowed = allowance(warming, day)
    limits = bounds(warming, "relay", "example.org", day)
    assert bool(limits) is (allowed is not None)
    for quota, pace in zip(limits[::2], limits[1::2], strict=True):
        assert isinstance(quota, Quota)
        assert isinstance(pace, Limit)
        assert quota.per_day <= (allowed or 0)
        assert pace.per_minute * 60 * PACE_HOURS == pytest.approx(quota.per_day)
        assert pace.burst <= max(1, pace.per_minute + 1)


def test_a_domain_gets_at_most_a_share() -> None:
    """Half the day's allowance, in buckets of its own; the relay's are shared by all domains."""
    relay, relay_pace, domain, domain_pace = bounds(Warming(MONDAY), "main", "gmail.com", MONDAY)
    assert relay == Quota("warming-day:main", 1_000)
    assert domain == Quota("warming-day:main:gmail.com", 500)
    assert relay_pace == Limit("warming-pace:main", 1_000 / 240, 4)
    assert domain_pace == Limit("warming-pace:main:gmail.com", 500 / 240, 2)
    other = bounds(Warming(MONDAY), "main", "example.org", MONDAY)
    assert other[:2] == (relay, relay_pace)
    assert not {bound.key for bound in other[2:]} & {domain.key, domain_pace.key}


@given(warmings)
def test_the_last_day_has_the_last_limit(warming: Warming) -> None:
    """The day after it has none; without growth, or with next to none, there is no last day."""
    day = last_day(warming)
    if day is None:
        assert allowance(warming, date.max) is not None
    else:
        assert allowance(warming, day + DAY) is None
        assert day == MONDAY or allowance(warming, day) is not None


def test_next_to_no_growth_has_no_last_day() -> None:
    """It would come after the year 9999."""
    assert last_day(Warming(MONDAY, 1, 1.0000000000000002, 2)) is None
    assert last_day(Warming(MONDAY, 1, 1.0, 2)) is None


def test_a_plan_lists_its_days() -> None:
    """As long as there is a limit, and not for ever."""
    assert schedule(Warming(MONDAY, 1_000, 2.0, 4_000)) == [
        (MONDAY, 1_000),
        (MONDAY + DAY, 2_000),
    ]
    assert len(schedule(Warming(MONDAY, 500, 1.0))) == 60


@pytest.mark.parametrize(
    ("messages", "spent", "to_one_domain", "days"),
    [
        (1_000, 0, 0, 1),
        (1_000, 1, 0, 2),
        (7_000, 0, 0, 3),
        (7_000, 0, 3_500, 3),
        (7_000, 0, 7_000, 4),
        (10**9, 0, 0, 11),
        (0, 0, 0, 1),
    ],
)
def test_an_issue_takes_days(messages: int, spent: int, to_one_domain: int, days: int) -> None:
    """A thousand today, two tomorrow, four the day after, and half of it to one domain."""
    needed = days_to_send(
        Warming(MONDAY), MONDAY, messages, spent=spent, to_one_domain=to_one_domain
    )
    assert needed == days


def test_a_plan_that_never_grows_may_never_suffice() -> None:
    """A million at 500 a day take years."""
    assert days_to_send(Warming(MONDAY, 500, 1.0), MONDAY, 10**6) is None
