"""Caps of appeals in mails of series, which go out for weeks after they were published."""

from datetime import timedelta

import pytest

from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Appeal, Newsletter
from digest.sending.planning import plan_built
from digest.series import planning
from digest.series.models import Series
from tests.cast.issues import make_block
from tests.cast.newsletters import make_appeal
from tests.cast.series import make_series, sign_up, steps_of
from tests.clock import NOON
from tests.sending.test_caps import make, without
from tests.series.test_planning import version_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def appeal(newsletter: Newsletter) -> Appeal:
    """Once in a week."""
    return make_appeal(newsletter.publication, cap=1, cap_days=7)


@pytest.fixture
def series(newsletter: Newsletter, appeal: Appeal) -> Series:
    """Its mail shows the appeal, and was published 20 days ago."""
    series = make_series(newsletter)
    version = version_of(steps_of(series)[0])
    make_block(version, BlockKind.APPEAL, appeal=appeal)
    type(version).objects.filter(pk=version.pk).update(slot=NOON - 20 * DAY)
    return series


@pytest.mark.usefixtures("series")
def test_an_issue_leaves_out_what_the_welcome_has_shown(
    newsletter: Newsletter, appeal: Appeal
) -> None:
    """Two days before, however long ago the welcome was published."""
    nadia = sign_up(newsletter, now=NOON)
    assert planning.plan_due(NOON) == 1
    issue = make(newsletter, appeal, NOON + 2 * DAY)
    assert plan_built(NOON + 2 * DAY) == [issue]
    assert without(issue) == {nadia.pk}


def test_the_welcome_shows_what_was_shown_long_before(
    newsletter: Newsletter, appeal: Appeal, series: Series
) -> None:
    """The days count from the day on which it goes out to somebody."""
    nadia = sign_up(newsletter, now=NOON - 19 * DAY)
    issue = make(newsletter, appeal, NOON - 18 * DAY)
    assert plan_built(NOON - 18 * DAY) == [issue]
    assert without(issue) == set()
    assert series.enrolments.filter(subscriber=nadia).exists()
    assert planning.plan_due(NOON) == 1
    assert without(version_of(steps_of(series)[0])) == set()
