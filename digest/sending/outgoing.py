"""One subscriber's message from a compiled issue: its envelope and its content."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, Self
from uuid import UUID

from django.conf import settings

from digest.core import addresses, links
from digest.issues.models import Issue
from digest.relays import dkim
from digest.relays.transports.base import Envelope, OutgoingMessage
from digest.rendering.compiled import Recipient
from digest.sending.compiling import compiled_for
from digest.sending.segmentation import Segmentation, segmentation_of
from digest.subscribers.models import Subscriber

SAMPLE_EMAIL = "subscriber@example.com"


class MailRecipient(Protocol):
    """What of a subscriber goes into their message."""

    @property
    def subscriber_id(self) -> int:
        """0 for no subscriber."""
        ...

    @property
    def subscriber_uuid(self) -> UUID: ...

    @property
    def email(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def topics(self) -> Sequence[str]:
        """The topics that they chose; none: everything."""
        ...

    @property
    def muted_topics(self) -> Sequence[str]:
        """The topics whose stories are left out, unless they are about a chosen one too."""
        ...

    @property
    def without_appeals(self) -> Sequence[int] | None:
        """Ids of appeals that they have had often enough: their message has none of these."""
        ...


@dataclass(frozen=True, slots=True)
class SingleRecipient:
    """A recipient of a copy or a sample, outside the ledger."""

    subscriber_id: int
    email: str
    name: str = ""
    topics: Sequence[str] = ()
    subscriber_uuid: UUID = links.NOBODY.uuid
    without_appeals: Sequence[int] | None = None
    muted_topics: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        subscriber: Subscriber,
        topics: Sequence[str],
        without_appeals: Sequence[int] | None = None,
        muted_topics: Sequence[str] = (),
    ) -> Self:
        """Return a subscriber as a recipient."""
        named = (subscriber.email, subscriber.name)
        return cls(subscriber.pk, *named, topics, subscriber.uuid, without_appeals, muted_topics)


def compose_message(
    issue: Issue,
    to: MailRecipient,
    segmentation: Segmentation,
    now: datetime,
    *,
    key: int = 0,
    sign: bool = True,
    message_id: str = "",
    variant: int | None = None,
) -> OutgoingMessage:
    """Compose a subscriber's message; DigestError if their address or name cannot be written.

    `key` identifies it to the caller. `sign` it with DKIM, where there is a key for the sender. A
    copy has a `message_id` of its own; without it the message has the one that a repeat would have.
    `variant` of an experiment is the subscriber's, unless a preview asks for another.

    The subject is the issue's for everyone: it may name a story that a subscriber of other topics
    doesn't get, but an issue has one name, in the archive and among subscribers.
    """
    subscriber = links.Row(to.subscriber_id, to.subscriber_uuid)
    recipient = _recipient(issue, to, subscriber, now, message_id)
    if variant is None:
        variant = _variant(subscriber, segmentation)
    recipient = replace(
        recipient,
        click=_click(issue, subscriber, segmentation, variant),
        subject=segmentation.subject_of(variant),
    )
    keys = segmentation.keys_for(to.topics, to.without_appeals, to.muted_topics, variant)
    content = segmentation.compiled.message(recipient, keys=keys)
    if sign:
        content = dkim.sign(content, issue.newsletter.publication.sender_domain, now)
    envelope = Envelope(
        _sender(issue, subscriber),
        addresses.envelope(to.email),
        id=recipient.message_id[1:].partition("@")[0],
    )
    return OutgoingMessage(key, envelope, content, smtp_safe=True)


def compose_sample(issue: Issue, email: str = "", *, name: str = "", variant: int = 0) -> bytes:
    """Return an issue's message as it would arrive at an address, unsigned.

    For one of the newsletter's subscribers it has their stories, address and name. For any other
    address, and for none, it has every story. `variant` is that of an experiment. Its links belong
    to nobody: whoever looks at it must not be able to unsubscribe the subscriber, or to open their
    preferences. Raises DigestError if it cannot be rendered, or the address cannot be written.
    """
    segmentation = segmentation_of(issue, compiled_for(issue))
    subscriptions = issue.newsletter.subscriptions.select_related("subscriber").filter(
        subscriber__address_key=addresses.parse(email).key if email else ""
    )
    to = SingleRecipient(0, email or SAMPLE_EMAIL, name)
    if subscription := subscriptions.first():
        subscriber = subscription.subscriber
        to = SingleRecipient(
            0,
            subscriber.email,
            subscriber.name,
            subscription.topics,
            muted_topics=subscription.muted_topics,
        )
    return compose_message(
        issue, to, segmentation, issue.goes_at, sign=False, variant=variant
    ).content


def message_id(issue: Issue, subscriber: links.Named) -> str:
    """Return a Message-ID that is a function of issue and subscriber, which shows repeats."""
    token = links.sign_rows("message-id", issue, subscriber)
    return f"<{token}@{issue.newsletter.publication.sender_domain}>"


def _sender(issue: Issue, subscriber: links.Named) -> str:
    """Return the address to which mail that cannot be delivered is returned (RFC 5321 §4.5.5)."""
    if domain := settings.DIGEST_BOUNCE_DOMAIN:
        return f"bounce+{links.bounce_token(issue, subscriber)}@{domain}"
    return addresses.envelope(issue.newsletter.publication.sender_email)


def _click(issue: Issue, subscriber: links.Row, segmentation: Segmentation, variant: int) -> str:
    """Return what follows tracked links in a message: nobody's are not counted."""
    if not subscriber.pk:
        return f"/{links.NOT_COUNTED}"
    if segmentation.compiled.names_subscribers:
        return f"/{links.clicker_token(issue, subscriber)}"
    return f"/{links.variant_suffix(variant)}" if segmentation.split else ""


def _variant(subscriber: links.Row, segmentation: Segmentation) -> int:
    """Return a subscriber's variant of an experiment; 0, the issue as it is, without one."""
    if segmentation.split is None or not subscriber.pk:
        return 0
    return segmentation.split.variant_of(subscriber.uuid)


def _recipient(
    issue: Issue, to: MailRecipient, subscriber: links.Named, now: datetime, own_id: str
) -> Recipient:
    page, mailto = links.ways_out(subscriber, issue.newsletter, issue.pk)
    return Recipient(
        email=to.email,
        name=to.name,
        unsubscribe_url=page,
        message_id=own_id or message_id(issue, subscriber),
        date=now,
        preferences_url=links.preferences_url(subscriber, issue.newsletter.publication),
        unsubscribe_mailto=mailto,
    )
