"""No step goes out on a day on which its subscriber gets an issue, wherever they live."""

from datetime import timedelta

import pytest

from digest.newsletters.models import Newsletter
from digest.series import planning
from digest.subscribers.models import Subscriber
from tests.cast.issues import make_issue
from tests.cast.series import make_series, sign_up
from tests.clock import NOON

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("zone", "issue_in", "step_in"),
    [
        ("", 16, 0),  # Tuesday at four in London: Monday is free
        ("America/Los_Angeles", 16, 20),  # but it is Monday evening there
        ("Asia/Tokyo", 4, 0),  # Monday at four in London is Tuesday there
    ],
)
def test_days_are_those_of_each_subscriber(
    newsletter: Newsletter, zone: str, issue_in: int, step_in: int
) -> None:
    """It is noon on a Monday in London, where the newsletter is made; all in hours from then."""
    make_issue(newsletter, slot=NOON + issue_in * HOUR)
    series = make_series(newsletter, 0, 1, avoids_issues=True)
    subscriber = sign_up(newsletter)
    Subscriber.objects.filter(pk=subscriber.pk).update(timezone=zone)
    assert planning.plan_due(NOON) == 1
    now = NOON + MINUTE
    assert planning.plan_due(now) == (0 if step_in else 1)
    if step_in:
        assert series.enrolments.get().due_at == NOON + step_in * HOUR
        assert planning.plan_due(NOON + step_in * HOUR) == 1


def test_in_local_time_an_issue_is_on_the_same_day_for_everybody(newsletter: Newsletter) -> None:
    """On the one that its slot has where the newsletter is made."""
    Newsletter.objects.update(send_in_local_time=True)
    make_issue(newsletter, slot=NOON + 16 * HOUR)
    make_series(newsletter, 0, 1, avoids_issues=True)
    subscriber = sign_up(newsletter)
    Subscriber.objects.filter(pk=subscriber.pk).update(timezone="America/Los_Angeles")
    assert [planning.plan_due(NOON), planning.plan_due(NOON + MINUTE)] == [1, 1]
