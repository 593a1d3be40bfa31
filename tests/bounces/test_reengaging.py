"""Inactive subscribers go through a series before they are asked whether they want to stay."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.expressions import RawSQL

from digest.bounces.models import Sunset, SunsetQuestion
from digest.bounces.sunset import asking
from digest.core import clock
from digest.newsletters.models import Newsletter
from digest.notices.models import Notice
from digest.series import planning, signs, switching
from digest.series.errors import SeriesError
from digest.series.models import Enrolment, Series
from digest.subscribers import growth
from digest.subscribers.models import Subscription
from tests.bounces.inactivity import LONG_AGO, click, make_old
from tests.cast.series import make_series

pytestmark = [pytest.mark.django_db, pytest.mark.publication(tracking="individual")]
DAY = timedelta(days=1)


@pytest.fixture
def newsletter(newsletter: Newsletter) -> Newsletter:
    """The Morning Tide, which has counted the clicks of each subscriber for long."""
    click(make_old(newsletter), clock.now() - LONG_AGO)
    Subscription.objects.update(state="unsubscribed")  # who clicked then has left
    return newsletter


@pytest.fixture
def sunset(newsletter: Newsletter) -> Sunset:
    """Five issues in two months."""
    return Sunset.objects.create(newsletter=newsletter, issues=5, months=2, active=True)


@pytest.fixture
def series(newsletter: Newsletter, sunset: Sunset) -> Series:
    """Two mails, a week apart, for those whom the rule finds."""
    return make_series(newsletter, 0, 7 * 24 * 60, trigger="inactive")


def test_who_stays_silent_is_asked_a_week_after_the_series(
    newsletter: Newsletter, series: Series
) -> None:
    """Once, as without a series; and paused two weeks later."""
    silent, now = make_old(newsletter), clock.now()
    assert asking.ask_due(now) == 0
    assert planning.plan_due(now) == 1
    assert planning.plan_due(now + 7 * DAY) == 1
    assert asking.ask_due(now + 8 * DAY) == 0
    assert asking.ask_due(now + 15 * DAY) == 1
    assert Notice.objects.get(kind=Notice.Kind.STAY).subscriber == silent
    asking.ask_due(now + 30 * DAY)
    assert SunsetQuestion.objects.get().outcome == SunsetQuestion.Outcome.PAUSED
    assert series.enrolments.get().state == Enrolment.State.COMPLETED


def test_a_sign_of_life_ends_the_series(newsletter: Newsletter, series: Series) -> None:
    """A click of a person, whatever the goal says: no second mail, no question."""
    back, now = make_old(newsletter), clock.now()
    Series.objects.update(goal="")
    asking.ask_due(now)
    planning.plan_due(now)
    click(back, now + DAY)
    assert planning.plan_due(now + 7 * DAY) == 0
    assert series.enrolments.get().state == Enrolment.State.CONVERTED
    assert asking.ask_due(now + 20 * DAY) == 0


def test_the_series_works_while_nobody_is_asked(newsletter: Newsletter, series: Series) -> None:
    """The rule says who is inactive, also where it does not ask and pause."""
    Sunset.objects.update(active=False)
    make_old(newsletter)
    now = clock.now()
    assert asking.ask_due(now) == 0
    assert planning.plan_due(now) == 1
    planning.plan_due(now + 7 * DAY)
    assert asking.ask_due(now + 40 * DAY) == 0
    assert not Notice.objects.exists()


def test_a_newsletter_whose_rule_nobody_has_set_uses_the_default(newsletter: Newsletter) -> None:
    """The page of the series counts by it, so those enter who are counted."""
    series = make_series(newsletter, trigger="inactive", active=False)
    silent, now = make_old(newsletter, issues=20), clock.now()
    Subscription.objects.filter(subscriber=silent).update(confirmed_at=now - 99 * DAY)
    assert switching.forecast(series, now).entering == 1
    switching.switch_on(series, now, agreed=1)
    asking.ask_due(now)
    assert series.enrolments.get().subscriber == silent
    assert not Sunset.objects.exists()


def test_counting_the_inactive_has_an_end(
    newsletter: Newsletter, sunset: Sunset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page shows the whole list then; switching on counts exactly, so that number is enough."""
    make_old(newsletter)
    make_old(newsletter, issues=1)
    series = make_series(newsletter, trigger="inactive", active=False)
    now = clock.now()
    (inactivity,) = signs._registered

    def inactive_slowly(*arguments: Any) -> Any:
        slow = RawSQL("(SELECT pg_sleep(0.3) IS NULL)", [])
        return inactivity.inactive(*arguments).annotate(slow=slow).filter(slow=False)

    slow_inactivity = inactivity._replace(inactive=inactive_slowly)
    monkeypatch.setattr(signs, "_registered", [slow_inactivity])
    assert switching.forecast(series, now, patience=50).entering == list_sizes_of(newsletter)
    assert switching.forecast(series, now, patience=20_000).entering == 1
    assert sunset.active


def list_sizes_of(newsletter: Newsletter) -> int:
    """How many subscribe."""
    return growth.list_sizes([newsletter.pk])[newsletter.pk]


def test_mails_of_a_series_make_nobody_inactive(newsletter: Newsletter, sunset: Sunset) -> None:
    """Only issues count as received."""
    make_series(newsletter, 0, 0)
    recent = make_old(newsletter, issues=4)
    before = set(asking.inactive(sunset, clock.now()).values_list("subscriber", flat=True))
    assert recent.pk not in before


def test_switching_on_says_how_many_are_inactive(newsletter: Newsletter, sunset: Sunset) -> None:
    """That number has to be confirmed; and one series at a time."""
    for _ in range(2):
        make_old(newsletter)
    series = make_series(newsletter, trigger="inactive", active=False)
    now = clock.now()
    assert switching.forecast(series, now).mails == 2
    with pytest.raises(SeriesError, match="2 mails"):
        switching.switch_on(series, now)
    switching.switch_on(series, now, agreed=2)
    rival = make_series(newsletter, trigger="inactive", active=False)
    with pytest.raises(SeriesError, match="on already"):
        switching.switch_on(rival, now)
