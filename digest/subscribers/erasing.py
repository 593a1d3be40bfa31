"""Erase a reader: everything about them goes, but a keyed hash that keeps imports away."""

from datetime import datetime

from django.db import transaction

from digest.subscribers.models import SignUp, Subscriber
from digest.subscribers.suppression import remember_erased


@transaction.atomic
def erase(reader: Subscriber, now: datetime) -> None:
    """Erase a reader with their subscriptions and consent events.

    What happened to editions is kept without them; digest.delivery.erasing sees to that first.
    """
    remember_erased(reader.address_key, now)
    SignUp.objects.filter(address_key=reader.address_key).delete()
    reader.delete()
