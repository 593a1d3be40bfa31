"""One reader's mail out of a compiled edition: the envelope, and the message."""

from datetime import datetime

from digest.core import addresses, links
from digest.delivery import dkim
from digest.delivery.choosing import Shelf
from digest.delivery.ledger import Row
from digest.delivery.transports.base import Envelope, Parcel
from digest.editions.models import Edition
from digest.rendering.compiled import Recipient


def parcel_for(edition: Edition, row: Row, shelf: Shelf, now: datetime) -> Parcel:
    """Put a reader's mail together; DigestError if their address or name cannot be written.

    The subject is the edition's for everyone: it may name a story that a reader of other topics
    doesn't get, but one issue goes by one name, in the archive and among readers.
    """
    publication = edition.newsletter.publication
    stories = shelf.chosen(row.topics)
    message = shelf.compiled.message(_recipient(edition, row, now), stories=stories)
    message = dkim.signed(message, publication.sender_domain, now)
    sender = addresses.envelope(publication.sender_email)
    return Parcel(row.id, Envelope(sender, addresses.envelope(row.email)), message, tame=True)


def message_id(edition: Edition, subscriber_id: int) -> str:
    """Return a Message-ID that is a function of edition and reader, so that a repeat is seen."""
    token = links.sign("message-id", edition.pk, subscriber_id)
    return f"<{token}@{edition.newsletter.publication.sender_domain}>"


def _recipient(edition: Edition, row: Row, now: datetime) -> Recipient:
    link = links.ReaderLink(row.subscriber_id, edition.newsletter_id, edition.pk)
    page, mailto = links.ways_out(link)
    return Recipient(
        email=row.email,
        name=row.name,
        unsubscribe_url=page,
        message_id=message_id(edition, row.subscriber_id),
        date=now,
        preferences_url=links.preferences_url(row.subscriber_id, edition.newsletter.publication_id),
        unsubscribe_mailto=mailto,
    )
