"""A subscriber moves to another address: asked for, confirmed at the new one, undone from the old one.

Nothing changes until whoever reads the new mailbox has said so, and the old mailbox can take it
back for a while: links travel with forwarded mail.
"""

from datetime import datetime

from django.db import IntegrityError, transaction

from digest.core import addresses
from digest.core.addresses import Address
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import AddressChange, Subscriber

KNOWN = "There is a subscriber with this address already. Unsubscribe here, and choose there what you want."


def ask(subscriber: Subscriber, address: Address, now: datetime) -> AddressChange | None:
    """Note the wish to move; None if that is the address already, or it belongs to a subscriber.

    Whoever asks must not be told which.
    """
    if Subscriber.objects.filter(address_key=address.key).exists():
        return None
    return AddressChange.objects.create(
        subscriber=subscriber, email=address.email, address_key=address.key, asked_at=now
    )


@transaction.atomic
def confirm(change_id: int, now: datetime) -> AddressChange | None:
    """Move the subscriber; None if the change is not known or has been made already.

    Raises SubscriberError if the address has come to belong to a subscriber meanwhile.
    """
    change = _locked(change_id)
    if change is None or change.confirmed_at:
        return None
    change.former_email, change.confirmed_at = change.subscriber.email, now
    change.save(update_fields=["former_email", "confirmed_at"])
    _move(change.subscriber, change.email)
    return change


@transaction.atomic
def undo(change_id: int) -> AddressChange | None:
    """Move the subscriber back to where they were; None if there is nothing to take back (any more)."""
    change = _locked(change_id)
    if change is None or not change.former_email:
        return None
    if change.subscriber.address_key != change.address_key:
        return None  # they have moved on since
    _move(change.subscriber, change.former_email)
    change.former_email = ""
    change.save(update_fields=["former_email"])
    return change


def _locked(change_id: int) -> AddressChange | None:
    changes = AddressChange.objects.select_for_update().select_related("subscriber")
    return changes.filter(pk=change_id).first()


def _move(subscriber: Subscriber, email: str) -> None:
    address = addresses.parse(email)
    subscriber.email, subscriber.address_key = address.email, address.key
    try:
        with transaction.atomic():
            subscriber.save(update_fields=["email", "address_key"])
    except IntegrityError as cause:
        raise SubscriberError(KNOWN) from cause
