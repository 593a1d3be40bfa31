"""Subscribers, who read The Morning Tide."""

from typing import Any

from digest.newsletters.models import Newsletter
from digest.subscribers.models import Subscriber, Subscription
from tests.cast.newsletters import next_number
from tests.clock import LONG_AGO, NOON


def make_subscriber(newsletter: Newsletter | None = None, **fields: Any) -> Subscriber:
    """A subscriber; confirmed and active on the newsletter if one is given."""
    email = fields.pop("email", f"ines{next_number()}@reader.example")
    defaults = {"email": email, "address_key": email.casefold(), "created_at": NOON}
    subscriber = Subscriber.objects.create(**defaults | fields)
    if newsletter:
        make_subscription(subscriber, newsletter)
    return subscriber


def make_subscription(
    subscriber: Subscriber, newsletter: Newsletter, **fields: Any
) -> Subscription:
    """A confirmed and active subscription."""
    defaults = {
        "state": Subscription.State.ACTIVE,
        "created_at": NOON,
        "confirmed_at": NOON,
    }
    return Subscription.objects.create(
        subscriber=subscriber, newsletter=newsletter, **defaults | fields
    )


def make_subscribers(
    newsletter: Newsletter, number: int, *, domain: str = "reader.example"
) -> None:
    """Many active subscribers of long ago, `subscriber0@reader.example` and so on, at one go."""
    addresses = [f"subscriber{n}@{domain}" for n in range(number)]
    subscribers = Subscriber.objects.bulk_create(
        (Subscriber(email=row, address_key=row, created_at=LONG_AGO) for row in addresses),
        batch_size=5_000,
    )
    active = Subscription.State.ACTIVE
    times = {"created_at": LONG_AGO, "confirmed_at": LONG_AGO}
    Subscription.objects.bulk_create(
        (
            Subscription(subscriber=subscriber, newsletter=newsletter, state=active, **times)
            for subscriber in subscribers
        ),
        batch_size=5_000,
    )
