"""What subscribers want themselves counts for more than what an editor does to many of them."""

from datetime import timedelta

import pytest

from digest.accounts.models import User
from digest.core import addresses
from digest.newsletters.models import Newsletter
from digest.selfservice import preferences as selfservice
from digest.selfservice import signups
from digest.subscribers import consent, preferences
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription
from tests.bulk.test_changes import ada, draft, run, tide, undo
from tests.cast import (
    NOON,
    make_newsletter,
    make_subscriber,
    make_subscription,
)

__all__ = ["ada", "tide"]  # the fixtures

pytestmark = pytest.mark.django_db
SOON = NOON + timedelta(minutes=10)
State = Subscription.State


@pytest.fixture
def weekly(tide: Newsletter) -> Newsletter:
    """Another newsletter of the publication."""
    return make_newsletter(slug="weekly", publication=tide.publication)


def states_of(subscriber: Subscriber) -> dict[str, str]:
    """The states of a subscriber's subscriptions by newsletter."""
    return dict(subscriber.subscriptions.values_list("newsletter__slug", "state"))


@pytest.mark.parametrize("state", ["live", "closed"])
def test_who_leaves_all_is_not_brought_back(
    tide: Newsletter, weekly: Newsletter, ada: User, state: str
) -> None:
    """Though the page of preferences does not offer what they were removed from."""
    subscriber = make_subscriber(tide)
    make_subscription(subscriber, weekly)
    pending = make_newsletter(slug="third", publication=tide.publication)
    make_subscription(subscriber, pending, state="pending", confirmed_at=None)
    change = run(draft(tide, ada, "remove", newsletter="tide"))
    Newsletter.objects.filter(pk=tide.pk).update(state=state)
    current = preferences.get_preferences(subscriber.pk, tide.publication_id, SOON)
    assert current
    selfservice.unsubscribe_from_all(current, ip=None, now=SOON)
    subscriber.refresh_from_db()
    assert subscriber.acted_at == SOON
    assert undo(change).restored == 0
    assert set(states_of(subscriber).values()) == {"unsubscribed"}
    events = ConsentEvent.objects.filter(subscriber=subscriber, via="preferences")
    assert {row.newsletter for row in events} == {weekly, pending}


@pytest.mark.parametrize("requests", [0, 1, 2])
def test_a_request_of_anybody_hides_no_wish_to_leave(
    tide: Newsletter, ada: User, requests: int
) -> None:
    """Between the removal and the click on "Unsubscribe", however often it is asked."""
    subscriber, stays = make_subscriber(tide), make_subscriber(tide)
    change = run(draft(tide, ada, "remove", newsletter="tide"))
    for minutes in range(requests):
        signups.invite(
            addresses.parse(subscriber.email),
            [tide],
            via="page",
            now=NOON + timedelta(minutes=minutes + 1),
        )
    consent.unsubscribe(subscriber.pk, tide.pk, via="one-click", ip=None, now=SOON)
    assert undo(change).restored == 1
    assert states_of(subscriber) == {"tide": "unsubscribed"}
    assert states_of(stays) == {"tide": "active"}
