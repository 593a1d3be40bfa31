"""One reader's mail out of a compiled edition: the envelope, and the message."""

from datetime import datetime

from django.conf import settings

from digest.core import addresses, links
from digest.delivery import dkim
from digest.delivery.choosing import Shelf, shelf_of
from digest.delivery.compiling import compiled_for
from digest.delivery.ledger import Row
from digest.delivery.transports.base import Envelope, Parcel
from digest.editions.models import Edition
from digest.rendering.compiled import Recipient

SOMEBODY = "reader@example.com"


def parcel_for(
    edition: Edition,
    row: Row,
    shelf: Shelf,
    now: datetime,
    *,
    sign: bool = True,
    message_id: str = "",
) -> Parcel:
    """Put a reader's mail together; DigestError if their address or name cannot be written.

    `sign` it with DKIM, where there is a key for the sender. A `message_id` is of a copy; without
    it the mail has the one that a repeat of it would have.

    The subject is the edition's for everyone: it may name a story that a reader of other topics
    doesn't get, but one issue goes by one name, in the archive and among readers.
    """
    stories, to = shelf.chosen(row.topics), _recipient(edition, row, now, message_id)
    message = shelf.compiled.message(to, stories=stories)
    if sign:
        message = dkim.signed(message, edition.newsletter.publication.sender_domain, now)
    sender, recipient = _sender(edition, row), addresses.envelope(row.email)
    envelope = Envelope(sender, recipient, id=to.message_id[1:].partition("@")[0])
    return Parcel(row.id, envelope, message, tame=True)


def sample(edition: Edition, reader: str = "", *, name: str = "") -> bytes:
    """Return an issue's mail as it would arrive at an address, to be looked at: unsigned.

    For one of the newsletter's readers it is exactly theirs, with their stories and links. For any
    other address, and for none, it has every story, and its links are of nobody. Raises DigestError
    if it cannot be rendered, or the address cannot be written.
    """
    shelf = shelf_of(edition, compiled_for(edition))
    theirs = edition.newsletter.subscriptions.select_related("subscriber").filter(
        subscriber__address_key=addresses.parse(reader).key if reader else ""
    )
    if found := theirs.first():
        who = found.subscriber
        row = Row(0, who.pk, who.email, who.name, 0, None, found.topics)
    else:
        row = Row(0, 0, reader or SOMEBODY, name, 0, None)
    return parcel_for(edition, row, shelf, edition.goes_at, sign=False).message


def message_id(edition: Edition, subscriber_id: int) -> str:
    """Return a Message-ID that is a function of edition and reader, so that a repeat is seen."""
    token = links.sign("message-id", edition.pk, subscriber_id)
    return f"<{token}@{edition.newsletter.publication.sender_domain}>"


def _sender(edition: Edition, row: Row) -> str:
    """Return the address that mail which cannot be delivered goes back to (RFC 5321 §4.5.5)."""
    if domain := settings.DIGEST_BOUNCE_DOMAIN:
        return f"bounce+{links.bounce_token(edition.pk, row.subscriber_id)}@{domain}"
    return addresses.envelope(edition.newsletter.publication.sender_email)


def _recipient(edition: Edition, row: Row, now: datetime, named: str) -> Recipient:
    link = links.ReaderLink(row.subscriber_id, edition.newsletter_id, edition.pk)
    page, mailto = links.ways_out(link)
    return Recipient(
        email=row.email,
        name=row.name,
        unsubscribe_url=page,
        message_id=named or message_id(edition, row.subscriber_id),
        date=now,
        preferences_url=links.preferences_url(row.subscriber_id, edition.newsletter.publication_id),
        unsubscribe_mailto=mailto,
    )
