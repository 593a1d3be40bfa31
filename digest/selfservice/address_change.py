"""Change a subscriber's address: request it, confirm it from the new one, undo it from the old one.

Each step queues the notice that belongs to it.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from digest.core import addresses, links
from digest.core.errors import InvalidAddressError, LinkError
from digest.newsletters.models import Publication
from digest.notices.models import Notice
from digest.notices.queue import queue_notice
from digest.subscribers import address_change, signup_limits
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import AddressChange, Subscriber


def request_change(
    subscriber: Subscriber, publication: Publication, email: str, *, ip: str | None, now: datetime
) -> None:
    """Send a confirmation to the new address, unless it already belongs to a subscriber.

    The caller cannot tell one case from the other. Raises SubscriberError, in the active language,
    for a text that is not an address; TooManyError and LimiterUnavailableError.
    """
    try:
        address = addresses.parse(email)
    except InvalidAddressError as cause:
        raise SubscriberError(_("Enter a valid email address.")) from cause
    if not signup_limits.admit(address, ip):
        return
    with transaction.atomic():
        change = address_change.request_change(subscriber, address, now)
        if change is None:
            return
        queue_notice(
            Notice.Kind.CHANGE,
            publication,
            email=address.email,
            subscriber=subscriber,
            language=subscriber.language,
            context={"change": change.pk, "publication": publication.pk},
            now=now,
        )


@dataclass(frozen=True, slots=True)
class ChangeLink:
    """What a link to confirm or undo an address change names."""

    change: AddressChange | None  # with its subscriber; None: it does not exist any more
    undo: bool
    expired: bool


def open_link(token: str, now: datetime) -> ChangeLink:
    """Return what the token of a link to confirm or undo an address change names.

    Raises LinkError if it is not one of ours, LinkGoneError if its id belongs to another by now.
    """
    try:
        (link, _until), undo = links.read_rows_until("change", token, now, count=1), False
    except LinkError:
        (link, _until), undo = links.read_rows_until("change-undo", token, now, count=1), True
    changes = AddressChange.objects.select_related("subscriber")
    if change := changes.filter(pk=link.ids[0]).first():
        link.require(change)
    return ChangeLink(change, undo=undo, expired=link.expired)


@transaction.atomic
def confirm(change_id: int, now: datetime) -> bool:
    """Change the address, and notify the previous one; False if that was undone or replaced since.

    A repetition changes nothing. Raises SubscriberError if another subscriber has the new address
    by now.
    """
    change = address_change.confirm(change_id, now)
    if change is None:
        return _is_in_effect(change_id, undone=False)
    publication = _requested_through(change)
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


def undo(change_id: int) -> bool:
    """Change the address back; False if a later change replaced this one.

    A repetition changes nothing. Raises SubscriberError if another subscriber has the address.
    """
    return address_change.undo(change_id) is not None or _is_in_effect(change_id, undone=True)


def _is_in_effect(change_id: int, *, undone: bool) -> bool:
    change = AddressChange.objects.select_related("subscriber").filter(pk=change_id).first()
    return change is not None and address_change.is_in_effect(change, undone=undone)


def _requested_through(change: AddressChange) -> Publication | None:
    """Return the publication whose preferences page the change was requested on."""
    notices = change.subscriber.notices.filter(kind=Notice.Kind.CHANGE, context__change=change.pk)
    notice = notices.select_related("publication").first()
    return notice.publication if notice else None
