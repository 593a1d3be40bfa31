"""One subscriber's message from a compiled issue: its envelope and its content."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self
from uuid import UUID

from django.conf import settings

from digest.core import addresses, links
from digest.core.links.mail import MailLinks
from digest.issues.models import Issue
from digest.relays import dkim
from digest.relays.transports.base import Envelope, OutgoingMessage
from digest.rendering.compiled import Recipient
from digest.sending.compiling import compiled_for
from digest.sending.segmentation import Segmentation, segmentation_of
from digest.subscribers.models import Subscriber
from digest.tenancy.scope import EVERYTHING, PublicationScope
from digest.tenancy.visibility import with_visible_name

SAMPLE_EMAIL = "subscriber@example.com"
SECOND = timedelta(seconds=1)  # what a Date field tells apart
EARLIEST = datetime.min.replace(tzinfo=UTC)
CACHED_WISHES = 1_000  # of subscribers who chose topics, for one issue

# Topics, appeals that are left out, muted topics, the variant of an experiment, and segments
Wishes = tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...], int, tuple[int, ...] | None]


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

    @property
    def segments(self) -> Sequence[int] | None:
        """Ids of those of the blocks' segments that they belong to; None: of all."""
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
    segments: Sequence[int] | None = None

    @classmethod
    def of(
        cls,
        subscriber: Subscriber,
        topics: Sequence[str],
        without_appeals: Sequence[int] | None = None,
        muted_topics: Sequence[str] = (),
        segments: Sequence[int] | None = None,
    ) -> Self:
        """Return a subscriber as a recipient."""
        named = (subscriber.email, subscriber.name)
        return cls(
            subscriber.pk, *named, topics, subscriber.uuid, without_appeals, muted_topics, segments
        )


class MessageComposer:
    """Composes the messages of one issue; what is the same for all is worked out once.

    The subject is the issue's for everyone: it may name a story that a subscriber of other topics
    doesn't get, but an issue has one name, in the archive and among subscribers.
    """

    def __init__(self, issue: Issue, segmentation: Segmentation, *, sign: bool = True) -> None:
        """`sign` messages with DKIM, where there is a key for the sender."""
        publication = issue.newsletter.publication
        self._issue = issue
        self._segmentation = segmentation
        self._compiled = segmentation.compiled
        self._links = MailLinks(issue, issue.newsletter, publication)
        self._sender = addresses.envelope(publication.sender_email)
        self._domain = publication.sender_domain
        self._bounce_domain = settings.DIGEST_BOUNCE_DOMAIN
        self._signs = sign and bool(dkim.keys_of(self._domain))
        self._keys: dict[Wishes, frozenset[int] | None] = {}
        self._second = EARLIEST

    def compose(
        self,
        to: MailRecipient,
        now: datetime,
        *,
        key: int = 0,
        message_id: str = "",
        variant: int | None = None,
    ) -> OutgoingMessage:
        """Compose a subscriber's message; DigestError if their address or name cannot be written.

        `key` identifies it to the caller. A copy has a `message_id` of its own; without it the
        message has the one that a repeat would have. `variant` of an experiment is the
        subscriber's, unless a preview asks for another.
        """
        if not timedelta() <= now - self._second < SECOND:
            self._second = now.replace(microsecond=0)
        subscriber = links.Row(to.subscriber_id, to.subscriber_uuid)
        page, mailto, preferences, token = self._links.links_of(subscriber)
        message_id = message_id or f"<{token}@{self._domain}>"
        variant = self._variant(subscriber) if variant is None else variant
        recipient = Recipient(
            to.email,
            to.name,
            page,
            message_id,
            self._second,
            preferences,
            mailto,
            self._click(subscriber, variant),
            self._segmentation.subject_of(variant) or self._compiled.subject,
        )
        content = self._compiled.message(recipient, keys=self._keys_for(to, variant))
        if self._signs:
            content = dkim.sign(content, self._domain, now)
        envelope = Envelope(
            self._envelope_sender(subscriber),
            addresses.envelope(to.email),
            message_id[1:].partition("@")[0],
        )
        return OutgoingMessage(key, envelope, content, smtp_safe=True)

    def _keys_for(self, to: MailRecipient, variant: int) -> frozenset[int] | None:
        """Return the keys of the subscriber's stories and blocks, chosen once for equal wishes."""
        wishes = (
            tuple(to.topics),
            tuple(to.without_appeals or ()),
            tuple(to.muted_topics),
            variant,
            None if to.segments is None else tuple(to.segments),
        )
        if wishes not in self._keys:
            if len(self._keys) >= CACHED_WISHES:
                self._keys.clear()
            self._keys[wishes] = self._segmentation.keys_for(*wishes)
        return self._keys[wishes]

    def _envelope_sender(self, subscriber: links.Row) -> str:
        """Return the address to which mail that cannot be delivered goes (RFC 5321 §4.5.5)."""
        if self._bounce_domain:
            return f"bounce+{self._links.bounce_token(subscriber)}@{self._bounce_domain}"
        return self._sender

    def _variant(self, subscriber: links.Row) -> int:
        """Return a subscriber's variant of an experiment; 0, the issue as it is, without one."""
        split = self._segmentation.split
        return split.variant_of(subscriber.uuid) if split and subscriber.pk else 0

    def _click(self, subscriber: links.Row, variant: int) -> str:
        """Return what follows tracked links in a message: nobody's are not counted."""
        if not subscriber.pk:
            return f"/{links.NOT_COUNTED}"
        if self._compiled.names_subscribers:
            return f"/{self._links.clicker_token(subscriber)}"
        return f"/{links.variant_suffix(variant)}" if self._segmentation.split else ""


def compose_message(
    issue: Issue,
    to: MailRecipient,
    segmentation: Segmentation,
    now: datetime,
    *,
    sign: bool = True,
    message_id: str = "",
    variant: int | None = None,
) -> OutgoingMessage:
    """Compose a single message; see MessageComposer."""
    return MessageComposer(issue, segmentation, sign=sign).compose(
        to, now, message_id=message_id, variant=variant
    )


def compose_sample(
    issue: Issue,
    email: str = "",
    *,
    name: str = "",
    variant: int = 0,
    scope: PublicationScope = EVERYTHING,
) -> bytes:
    """Return an issue's message as it would arrive at an address, unsigned.

    For one of the newsletter's subscribers it has their stories, address and name; no name where
    they have newsletters out of the `scope` of whoever looks (`tenancy.visibility`). Who reaches
    only some newsletters of the publication sees the blocks of all its segments: rules ask what
    other newsletters were told. For any other address, and for none, it has every story. `variant`
    is that of an experiment. Its links belong to nobody: whoever looks at it must not be able to
    unsubscribe the subscriber, or to open their preferences. Raises DigestError if it cannot be
    rendered, or the address cannot be written.
    """
    segmentation = segmentation_of(issue, compiled_for(issue))
    subscriptions = issue.newsletter.subscriptions.select_related("subscriber").filter(
        subscriber__address_key=addresses.parse(email).key if email else ""
    )
    subscriptions = with_visible_name(subscriptions, scope)
    to = SingleRecipient(0, email or SAMPLE_EMAIL, name)
    if subscription := subscriptions.first():
        subscriber = subscription.subscriber
        sees_segments = scope.includes(issue.newsletter.publication_id)
        segments = segmentation.segments_of(subscriber.pk) if sees_segments else None
        to = SingleRecipient(
            0,
            subscriber.email,
            subscription.visible_name,  # type: ignore[attr-defined]  # annotated
            subscription.topics,
            muted_topics=subscription.muted_topics,
            segments=segments,
        )
    return compose_message(
        issue, to, segmentation, issue.goes_at, sign=False, variant=variant
    ).content


def message_id(issue: Issue, subscriber: links.Named) -> str:
    """Return a Message-ID that is a function of issue and subscriber, which shows repeats."""
    token = links.sign_rows("message-id", issue, subscriber)
    return f"<{token}@{issue.newsletter.publication.sender_domain}>"
