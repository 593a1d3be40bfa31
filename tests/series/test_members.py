"""A welcome series of a newsletter for members waits for whoever is not one yet."""

from datetime import timedelta

import pytest

from digest.newsletters.models import Newsletter
from digest.newsletters.publicity import restricting
from digest.series import planning, restoring
from digest.series.models import Enrolment, Series
from digest.subscribers import profiles, suppression
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import saving
from tests.cast.series import make_series, sign_up
from tests.clock import NOON
from tests.series.test_planning import planned_for, state_of

pytestmark = pytest.mark.django_db
State = Enrolment.State
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def members_only(newsletter: Newsletter) -> Newsletter:
    """A newsletter for those who have the tag."""
    rules = {"rules": [{"field": "tag", "operator": "is", "value": "member"}]}
    restricting.set_members(
        newsletter, saving.create(newsletter.publication, "Members", rules, NOON)
    )
    return newsletter


def join(subscriber: Subscriber, newsletter: Newsletter) -> None:
    """Become a member."""
    profiles.add_tag("member", newsletter.publication_id, [subscriber.pk])


def due_at(series: Series, subscriber: Subscriber) -> object:
    """When the next step of a subscriber is looked at again."""
    return series.enrolments.get(subscriber=subscriber).due_at


def test_who_becomes_a_member_is_welcomed_then(members_only: Newsletter) -> None:
    """Minutes after they pay, where that is soon after they signed up."""
    series = make_series(members_only)
    nadia, ines = sign_up(members_only), sign_up(members_only)
    join(ines, members_only)
    assert planning.plan_due(NOON) == 1
    assert state_of(series, nadia) == State.ACTIVE
    join(nadia, members_only)
    assert planning.plan_due(NOON + 10 * MINUTE) == 1
    assert planned_for(series) == {nadia.pk, ines.pk}


@pytest.mark.parametrize(
    ("waited", "wait"), [(MINUTE, 10 * MINUTE), (2 * DAY, HOUR), (30 * DAY, DAY)]
)
def test_they_are_looked_at_more_rarely_with_time(
    members_only: Newsletter, waited: timedelta, wait: timedelta
) -> None:
    """Most who become members do so at once; there may be many who never do."""
    series = make_series(members_only)
    nadia = sign_up(members_only)
    assert planning.plan_due(NOON + waited) == 0
    assert due_at(series, nadia) == NOON + waited + wait


def test_who_may_not_be_mailed_has_left_all_the_same(members_only: Newsletter) -> None:
    """They wait for nothing."""
    series = make_series(members_only)
    nadia = sign_up(members_only)
    suppression.suppress(nadia.address_key, reason="hard bounce", now=NOON)
    assert planning.plan_due(NOON) == 0
    assert state_of(series, nadia) == State.LEFT


def test_after_a_restore_they_go_on_waiting(members_only: Newsletter) -> None:
    """Nothing can have been sent to them; to whoever was a member, it can."""
    series = make_series(members_only)
    nadia, ines = sign_up(members_only), sign_up(members_only)
    assert planning.plan_due(NOON) == 0
    join(ines, members_only)
    later = NOON + 2 * DAY
    assert list(restoring.due_enrolments(later)) == [series.enrolments.get(subscriber=ines)]
    assert restoring.set_aside(later, later) == 1
    join(nadia, members_only)
    assert planning.plan_due(later) == 1
    assert planned_for(series) == {nadia.pk}
