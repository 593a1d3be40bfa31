"""A subscriber moves: the letters that go with it (digest.subscribers.address_change does the moving)."""

from datetime import datetime

from django.db import transaction

from digest.core.addresses import Address
from digest.newsletters.models import Publication
from digest.notices.models import Notice
from digest.notices.queue import queue_notice
from digest.subscribers import address_change
from digest.subscribers.models import AddressChange, Subscriber


@transaction.atomic
def ask(subscriber: Subscriber, publication: Publication, address: Address, now: datetime) -> None:
    """Write to the new address, unless it is a subscriber's already; whoever asks is not told."""
    change = address_change.ask(subscriber, address, now)
    if change is not None:
        queue_notice(
            Notice.Kind.CHANGE,
            publication,
            email=address.email,
            language=subscriber.language,
            context={"change": change.pk, "publication": publication.pk},
            now=now,
        )


def find(change_id: int) -> AddressChange | None:
    """Return a change that is known, with its subscriber."""
    return AddressChange.objects.select_related("subscriber").filter(pk=change_id).first()


@transaction.atomic
def confirm(change_id: int, now: datetime) -> bool:
    """Move the subscriber, and tell the old address; False if that was done before.

    Raises SubscriberError if the address has come to belong to a subscriber meanwhile.
    """
    change = address_change.confirm(change_id, now)
    if change is None:
        return False
    publication = _publication(change)
    if publication:
        queue_notice(
            Notice.Kind.CHANGED,
            publication,
            email=change.former_email,
            subscriber=change.subscriber,
            language=change.subscriber.language,
            context={"change": change.pk},
            now=now,
        )
    return True


def undo(change_id: int, now: datetime) -> bool:  # noqa: ARG001  called like confirm
    """Move the subscriber back; False if there is nothing to take back."""
    return address_change.undo(change_id) is not None


def _publication(change: AddressChange) -> Publication | None:
    """Return the publication through which the move was asked for."""
    asked = Notice.objects.filter(kind=Notice.Kind.CHANGE, context__change=change.pk)
    found = asked.select_related("publication").first()
    return found.publication if found else None
