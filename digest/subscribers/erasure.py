"""Erase a subscriber: everything about them goes, but a keyed hash that keeps imports away."""

from datetime import datetime

from django.db import transaction

from digest.subscribers.models import SignUp, Subscriber
from digest.subscribers.suppression import remember_erased


@transaction.atomic
def erase(subscriber: Subscriber, now: datetime) -> None:
    """Erase a subscriber with their subscriptions and consent events.

    What happened to issues is kept without them; digest.selfservice.erasure sees to that first.
    """
    remember_erased(subscriber.address_key, now)
    SignUp.objects.filter(address_key=subscriber.address_key).delete()
    subscriber.delete()
