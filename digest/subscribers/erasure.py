"""Erase a subscriber: only a keyed hash of the address stays, which keeps imports away."""

from datetime import datetime

from django.db import transaction

from digest.subscribers.models import SignUp, Subscriber
from digest.subscribers.suppression import suppress_erased


@transaction.atomic
def erase_subscriber(subscriber: Subscriber, now: datetime) -> None:
    """Erase a subscriber with their subscriptions and consent events.

    The figures of issues stay, without the subscriber: digest.selfservice.erasure sees to it first.
    """
    suppress_erased(subscriber.address_key, now)
    SignUp.objects.filter(address_key=subscriber.address_key).delete()
    subscriber.delete()
