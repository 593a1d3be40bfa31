"""One subscriber's mail out of a compiled issue: the envelope, and the message."""

from datetime import datetime

from django.conf import settings

from digest.core import addresses, links
from digest.issues.models import Issue
from digest.relays import dkim
from digest.relays.transports.base import Envelope, OutgoingMessage
from digest.rendering.compiled import Recipient
from digest.sending.compiling import compiled_for
from digest.sending.ledger import Row
from digest.sending.segmentation import Segmentation, segmentation_of

SOMEBODY = "subscriber@example.com"


def compose_message(
    issue: Issue,
    row: Row,
    segmentation: Segmentation,
    now: datetime,
    *,
    sign: bool = True,
    message_id: str = "",
) -> OutgoingMessage:
    """Put a subscriber's mail together; DigestError if their address or name cannot be written.

    `sign` it with DKIM, where there is a key for the sender. A `message_id` is of a copy; without
    it the mail has the one that a repeat of it would have.

    The subject is the issue's for everyone: it may name a story that a subscriber of other topics
    doesn't get, but one issue goes by one name, in the archive and among subscribers.
    """
    stories, to = segmentation.chosen(row.topics), _recipient(issue, row, now, message_id)
    message = segmentation.compiled.message(to, stories=stories)
    if sign:
        message = dkim.sign(message, issue.newsletter.publication.sender_domain, now)
    sender, recipient = _sender(issue, row), addresses.envelope(row.email)
    envelope = Envelope(sender, recipient, id=to.message_id[1:].partition("@")[0])
    return OutgoingMessage(row.id, envelope, message, smtp_safe=True)


def sample(issue: Issue, subscriber: str = "", *, name: str = "") -> bytes:
    """Return an issue's mail as it would arrive at an address, to be looked at: unsigned.

    For one of the newsletter's subscribers it is exactly theirs, with their stories and links. For
    any other address, and for none, it has every story, and its links are of nobody. Raises
    DigestError if it cannot be rendered, or the address cannot be written.
    """
    segmentation = segmentation_of(issue, compiled_for(issue))
    theirs = issue.newsletter.subscriptions.select_related("subscriber").filter(
        subscriber__address_key=addresses.parse(subscriber).key if subscriber else ""
    )
    if found := theirs.first():
        who = found.subscriber
        row = Row(0, who.pk, who.email, who.name, 0, None, found.topics)
    else:
        row = Row(0, 0, subscriber or SOMEBODY, name, 0, None)
    return compose_message(issue, row, segmentation, issue.goes_at, sign=False).content


def message_id(issue: Issue, subscriber_id: int) -> str:
    """Return a Message-ID that is a function of issue and subscriber, so that a repeat is seen."""
    token = links.sign("message-id", issue.pk, subscriber_id)
    return f"<{token}@{issue.newsletter.publication.sender_domain}>"


def _sender(issue: Issue, row: Row) -> str:
    """Return the address that mail which cannot be delivered goes back to (RFC 5321 §4.5.5)."""
    if domain := settings.DIGEST_BOUNCE_DOMAIN:
        return f"bounce+{links.bounce_token(issue.pk, row.subscriber_id)}@{domain}"
    return addresses.envelope(issue.newsletter.publication.sender_email)


def _recipient(issue: Issue, row: Row, now: datetime, named: str) -> Recipient:
    link = links.SubscriberLink(row.subscriber_id, issue.newsletter_id, issue.pk)
    page, mailto = links.ways_out(link)
    return Recipient(
        email=row.email,
        name=row.name,
        unsubscribe_url=page,
        message_id=named or message_id(issue, row.subscriber_id),
        date=now,
        preferences_url=links.preferences_url(row.subscriber_id, issue.newsletter.publication_id),
        unsubscribe_mailto=mailto,
    )
