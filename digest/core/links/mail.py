"""The links of one issue's mails: what is the same for all its subscribers is worked out once.

The tokens are those of `digest.core.links`, octet for octet, and it reads them. Each purpose keeps
a MAC of its own: a Message-ID is public, and a forwarded mail shares its links, so none of them may
be turned into another. What is left for each subscriber is a hash and a MAC for each token.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from digest.core import links
from digest.core.links.pages import Page
from digest.core.links.rows import CHECK, Named
from digest.core.links.tokens import encode, encode_varint, signer

_PLACE = "*"  # stands for a subscriber's token, and is in none


class SubscriberLinks(NamedTuple):
    """What in a mail leads back to its subscriber."""

    unsubscribe_url: str
    unsubscribe_mailto: str  # "" where no mail is read
    preferences_url: str
    message_token: str  # the left side of the Message-ID


class MailLinks:
    """Makes the links of an issue's subscribers."""

    def __init__(self, issue: Named, newsletter: Named, publication: Named) -> None:
        self._unsubscribe = _signer("unsubscribe", (None, newsletter), issue.pk)
        self._preferences = _signer("preferences", (None, publication))
        self._message = _signer("message-id", (issue, None))
        self._clicker = _signer("clicker", (issue, None))
        self._bounce = _signer("bounce", (issue, None))
        self._unsubscribe_start = Page.UNSUBSCRIBE.beginning
        self._preferences_start = Page.PREFERENCES.beginning
        self._mailto = links.unsubscribe_mailto(_PLACE).split(_PLACE)

    def links_of(self, subscriber: Named) -> SubscriberLinks:
        """Return the links in a subscriber's mail, as `links.ways_out` and the others make them."""
        pk, uuid = encode_varint(subscriber.pk), subscriber.uuid.bytes
        token = encode(self._unsubscribe(pk, uuid))
        return SubscriberLinks(
            self._unsubscribe_start + token,
            token.join(self._mailto) if len(self._mailto) > 1 else "",
            self._preferences_start + encode(self._preferences(pk, uuid)),
            encode(self._message(pk, uuid)),
        )

    def bounce_token(self, subscriber: Named) -> str:
        """Return what `links.bounce_token` does."""
        return links.encode_bounce(
            self._bounce(encode_varint(subscriber.pk), subscriber.uuid.bytes)
        )

    def clicker_token(self, subscriber: Named) -> str:
        """Return what `links.clicker_token` does."""
        return encode(self._clicker(encode_varint(subscriber.pk), subscriber.uuid.bytes))


def _signer(
    purpose: str, rows: tuple[Named | None, Named | None], *more_ids: int
) -> Callable[[bytes, bytes], bytes]:
    """Return what signs a token of two rows, None among them for a subscriber yet unknown.

    It takes the subscriber's id as a varint and their UUID's octets.
    """
    before, after = rows
    head = encode_varint(before.pk) if before else b""
    tail = b"".join(map(encode_varint, (*([after.pk] if after else []), *more_ids)))
    head_uuid = before.uuid.bytes if before else b""
    tail_uuid = after.uuid.bytes if after else b""
    sign_payload = signer(purpose)

    def sign(pk: bytes, uuid: bytes) -> bytes:
        check = sha256(head_uuid + uuid + tail_uuid).digest()[:CHECK]
        return sign_payload(head + pk + tail + check)

    return sign
