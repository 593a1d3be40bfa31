"""Who receives a newsletter."""

from datetime import timedelta

import pytest

from digest.newsletters.models import Newsletter
from digest.subscribers.audience import eligible
from digest.subscribers.models import Subscriber, Subscription
from digest.subscribers.suppression import suppress
from tests.cast import NOON, make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db


def audience(newsletter: Newsletter) -> set[int]:
    """Ids of the subscribers who would be mailed at noon."""
    return set(eligible(newsletter.pk, NOON).values_list("subscriber_id", flat=True))


def change(subscriber: Subscriber, **fields: object) -> None:
    """Change a subscriber's only subscription."""
    Subscription.objects.filter(subscriber=subscriber).update(**fields)


def test_active_subscribers_of_this_newsletter_receive_it() -> None:
    """Subscribers of another newsletter, and subscribers of none, do not."""
    newsletter = make_newsletter()
    subscribers = {make_subscriber(newsletter).pk for _ in range(3)}
    make_subscriber(make_newsletter())
    make_subscriber()
    assert audience(newsletter) == subscribers


@pytest.mark.parametrize("state", ["pending", "unsubscribed"])
def test_who_is_not_active_is_left_out(state: str) -> None:
    """Waiting and gone subscribers get nothing."""
    newsletter = make_newsletter()
    change(make_subscriber(newsletter), state=state)
    assert audience(newsletter) == set()


def test_a_pause_ends_at_its_moment() -> None:
    """Paused until later: left out; until now or before: back."""
    newsletter = make_newsletter()
    paused, back, long_back = (make_subscriber(newsletter) for _ in range(3))
    change(paused, paused_until=NOON + timedelta(seconds=1))
    change(back, paused_until=NOON)
    change(long_back, paused_until=NOON - timedelta(days=1))
    assert audience(newsletter) == {back.pk, long_back.pk}


def test_suppressed_subscribers_are_left_out() -> None:
    """Globally, or by this newsletter; another newsletter's suppression does not matter."""
    newsletter, other = make_newsletter(), make_newsletter()
    everywhere, here_only, elsewhere_only = (make_subscriber(newsletter) for _ in range(3))
    suppress(everywhere.address_key, reason="bounce", now=NOON)
    suppress(here_only.address_key, reason="complaint", newsletter=newsletter, now=NOON)
    suppress(elsewhere_only.address_key, reason="complaint", newsletter=other, now=NOON)
    assert audience(newsletter) == {elsewhere_only.pk}
