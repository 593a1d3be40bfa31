"""A reader moves: the letters that go with it (digest.subscribers.moving does the moving)."""

from datetime import datetime

from django.db import transaction

from digest.core.addresses import Address
from digest.delivery import notices
from digest.delivery.models import Notice
from digest.newsletters.models import Publication
from digest.subscribers import moving
from digest.subscribers.models import AddressChange, Subscriber


@transaction.atomic
def ask(reader: Subscriber, publication: Publication, address: Address, now: datetime) -> None:
    """Write to the new address, unless it is a reader's already; whoever asks is not told."""
    change = moving.ask(reader, address, now)
    if change is not None:
        notices.queue(
            Notice.Kind.CHANGE,
            publication,
            email=address.email,
            language=reader.language,
            about={"change": change.pk, "publication": publication.pk},
            now=now,
        )


def find(change_id: int) -> AddressChange | None:
    """Return a change that is known, with its reader."""
    return AddressChange.objects.select_related("subscriber").filter(pk=change_id).first()


@transaction.atomic
def confirm(change_id: int, now: datetime) -> bool:
    """Move the reader, and tell the old address; False if that was done before.

    Raises SubscriberError if the address has come to belong to a reader meanwhile.
    """
    change = moving.confirm(change_id, now)
    if change is None:
        return False
    publication = _publication(change)
    if publication:
        notices.queue(
            Notice.Kind.CHANGED,
            publication,
            email=change.former_email,
            subscriber=change.subscriber,
            language=change.subscriber.language,
            about={"change": change.pk},
            now=now,
        )
    return True


def undo(change_id: int, now: datetime) -> bool:  # noqa: ARG001  called like confirm
    """Move the reader back; False if there is nothing to take back."""
    return moving.undo(change_id) is not None


def _publication(change: AddressChange) -> Publication | None:
    """Return the publication through which the move was asked for."""
    asked = Notice.objects.filter(kind=Notice.Kind.CHANGE, about__change=change.pk)
    found = asked.select_related("publication").first()
    return found.publication if found else None
