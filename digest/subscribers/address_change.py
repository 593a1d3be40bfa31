"""Change a subscriber's address: requested, confirmed from the new one, undone from the old one.

Nothing changes until the new mailbox confirms it, and the old mailbox can undo it for a while,
because links travel with forwarded mail.
"""

from datetime import datetime

from django.db import transaction

from digest.core import addresses
from digest.core.addresses import Address
from digest.core.database.uniqueness import refuse_duplicate
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import AddressChange, Subscriber

ADDRESS_IN_USE = (
    "Another subscriber has this address. Unsubscribe the old address and choose newsletters there."
)


def request_change(subscriber: Subscriber, address: Address, now: datetime) -> AddressChange | None:
    """Store the request; None if a subscriber, this one or another, already has the address.

    The person who requested it must not learn which.
    """
    if Subscriber.objects.filter(address_key=address.key).exists():
        return None
    return AddressChange.objects.create(
        subscriber=subscriber, email=address.email, address_key=address.key, requested_at=now
    )


@transaction.atomic
def confirm(change_id: int, now: datetime) -> AddressChange | None:
    """Make the change; None if it does not exist or was made before.

    Raises SubscriberError if another subscriber has the address by now.
    """
    change = _locked(change_id)
    if change is None or change.confirmed_at:
        return None
    change.former_email, change.confirmed_at = change.subscriber.email, now
    change.save(update_fields=["former_email", "confirmed_at"])
    _set_address(change.subscriber, change.email)
    return change


@transaction.atomic
def undo(change_id: int) -> AddressChange | None:
    """Change the address back; None if there is nothing to undo (any more)."""
    change = _locked(change_id)
    if change is None or not change.former_email:
        return None
    if change.subscriber.address_key != change.address_key:
        return None  # they have changed it once more since
    _set_address(change.subscriber, change.former_email)
    change.former_email = ""
    change.save(update_fields=["former_email"])
    return change


def _locked(change_id: int) -> AddressChange | None:
    changes = AddressChange.objects.select_for_update().select_related("subscriber")
    return changes.filter(pk=change_id).first()


def _set_address(subscriber: Subscriber, email: str) -> None:
    address = addresses.parse(email)
    subscriber.email, subscriber.address_key = address.email, address.key
    with refuse_duplicate(SubscriberError(ADDRESS_IN_USE)):
        subscriber.save(update_fields=["email", "address_key"])
