"""Change a subscriber's address: requested, confirmed from the new one, undone from the old one.

Nothing changes until the new mailbox confirms it, and the old mailbox can undo it for a while,
because links travel with forwarded mail.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from digest.core import addresses
from digest.core.addresses import Address
from digest.core.database.uniqueness import refuse_duplicate
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import AddressChange, Subscriber, Subscription
from digest.subscribers.suppression import lift_own_wish

KEEP_UNCONFIRMED = timedelta(days=14)  # much longer than a link to confirm one works
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

    Earlier requests that wait for a confirmation are void.
    Raises SubscriberError if another subscriber has the address by now.
    """
    change = _locked(change_id)
    if change is None or change.confirmed_at:
        return None
    change.former_email, change.confirmed_at = change.subscriber.email, now
    change.save(update_fields=["former_email", "confirmed_at"])
    _set_address(change.subscriber, change.email)
    # What was entered before was a mistake, or is somebody else's: its mailbox may not have it now.
    change.subscriber.address_changes.filter(pk__lt=change.pk, confirmed_at=None).delete()
    return change


@transaction.atomic
def undo(change_id: int) -> AddressChange | None:
    """Change the address back; None if there is nothing to undo (any more).

    Later changes are undone with it, and those that wait for a confirmation are void: whoever made
    a change that the old mailbox did not want could make another one.
    """
    change = _locked(change_id)
    if change is None or not change.former_email:
        return None
    _set_address(change.subscriber, change.former_email)
    change.former_email = ""
    change.save(update_fields=["former_email"])
    later = Q(confirmed_at=None) | Q(confirmed_at__gte=change.confirmed_at)
    change.subscriber.address_changes.exclude(pk=change.pk).filter(later).delete()
    return change


def delete_unconfirmed(now: datetime) -> int:
    """Delete requests that no mailbox confirmed, which may be a stranger's; return how many."""
    old = AddressChange.objects.filter(confirmed_at=None, requested_at__lt=now - KEEP_UNCONFIRMED)
    return old.delete()[0]


def is_in_effect(change: AddressChange, *, undone: bool) -> bool:
    """Say whether a change (or that it was undone) is the last that happened to the address."""
    is_undone = change.confirmed_at is not None and not change.former_email
    if change.confirmed_at is None or is_undone != undone:
        return False
    later = change.subscriber.address_changes.filter(confirmed_at__gt=change.confirmed_at)
    return not later.exists()


def _locked(change_id: int) -> AddressChange | None:
    """Return a change; its subscriber is locked, so changes of one address happen in turn."""
    subscribers = Subscriber.objects.select_for_update(of=("self",))
    if subscribers.filter(address_changes=change_id).first() is None:
        return None
    changes = AddressChange.objects.select_related("subscriber")
    return changes.filter(pk=change_id).first()


def _set_address(subscriber: Subscriber, email: str) -> None:
    """Set the address, which its mailbox has confirmed: an imported wish to get nothing is past."""
    address = addresses.parse(email)
    subscriber.email, subscriber.address_key = address.email, address.key
    with refuse_duplicate(SubscriberError(ADDRESS_IN_USE)):
        subscriber.save(update_fields=["email", "address_key"])
    active = subscriber.subscriptions.filter(state=Subscription.State.ACTIVE)
    for newsletter_id in active.values_list("newsletter", flat=True):
        lift_own_wish(address.key, newsletter_id)
