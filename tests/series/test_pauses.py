"""Who pauses waits until they resume, and no longer."""

from datetime import timedelta

import pytest

from digest.newsletters.models import Newsletter
from digest.series import planning
from digest.subscribers.models import Subscription
from tests.cast.series import make_series, sign_up
from tests.clock import NOON
from tests.series.test_planning import DAY

pytestmark = pytest.mark.django_db


def test_who_ends_a_pause_early_goes_on_at_once(newsletter: Newsletter) -> None:
    """Not at the end that it had; a pause that gets longer changes nothing before."""
    series = make_series(newsletter, 0, DAY)
    nadia = sign_up(newsletter)
    subscription = Subscription.objects.filter(subscriber=nadia)
    subscription.update(paused_until=NOON + timedelta(days=90))
    assert planning.plan_due(NOON) == 0
    subscription.update(paused_until=NOON + timedelta(days=3650))
    assert series.enrolments.get().due_at == NOON + timedelta(days=90)
    subscription.update(paused_until=None)
    assert series.enrolments.get().due_at == NOON
    resumed = NOON + timedelta(days=2)
    assert planning.plan_due(resumed) == 1
    assert series.enrolments.get().due_at == resumed + timedelta(days=1)


def test_a_shorter_pause_is_waited_for(newsletter: Newsletter) -> None:
    """Until its new end."""
    series = make_series(newsletter)
    nadia = sign_up(newsletter)
    subscription = Subscription.objects.filter(subscriber=nadia)
    for days in (90, 9):
        subscription.update(paused_until=NOON + timedelta(days=days))
        assert planning.plan_due(NOON) == 0
        assert series.enrolments.get().due_at == NOON + timedelta(days=days)
