"""Signed tokens in links: who may do what, without a login and without a table.

A token is base64url(payload ‖ tag). The payload is a few unsigned varints (ids); the tag is the
first 16 bytes of HMAC-SHA256 under a key derived for one purpose, so a token made for one purpose
is refused for every other. Tokens to unsubscribe never expire: a mail may be read years later.
Those that do carry their last moment as the first of the ids.

A token that names rows carries 64 bits of their UUIDs behind the ids. After a restore the ids are
given again, to other rows, and `RowsLink.require` refuses the old link (docs/decisions/0022).
"""

import hashlib
import hmac
import re
from base64 import b32decode, b32encode, urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, Protocol
from uuid import UUID

from django.conf import settings

from digest.core.errors import LinkError, LinkExpiredError, LinkGoneError

DAMAGED = "This link is damaged or was not made by us."
EXPIRED = "This link has expired."
OUTDATED = "This link belongs to nobody any more. Use the link in a newer mail."
_TAG = 16
CHECK = 8
_LONGEST = 512
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Named(Protocol):
    """A row that a link names (digest.core.uuids)."""

    @property
    def pk(self) -> int: ...

    @property
    def uuid(self) -> UUID: ...


class Row(NamedTuple):
    """What a link needs of a row."""

    pk: int
    uuid: UUID


NOBODY = Row(0, UUID(int=0))  # the subscriber of a test mail
NOT_COUNTED = "test"  # what follows tracked links in mails whose clicks are not counted
_VARIANT = re.compile(r"v([0-9])\Z")  # what follows them in an experiment that names nobody


class RowsLink(NamedTuple):
    """What a token that names rows carries: their ids, and a check value of their UUIDs."""

    ids: tuple[int, ...]
    check: bytes
    expired: bool = False

    def matches(self, *rows: Named) -> bool:
        """Say whether the link was made for these rows, in this order."""
        return hmac.compare_digest(self.check, _check_of(rows))

    def require(self, *rows: Named) -> None:
        """Raise LinkGoneError unless the link was made for these rows, in this order."""
        if not self.matches(*rows):
            raise LinkGoneError(OUTDATED)


class SubscriberLink(NamedTuple):
    """What the unsubscribe link of a mail names."""

    subscriber: int  # 0: nobody, it stood in a test mail
    newsletter: int
    issue: int  # 0: it stood in no issue. Not covered by the check: an issue may be deleted
    check: bytes  # of subscriber and newsletter

    def require(self, subscriber: Named, newsletter: Named) -> None:
        """Raise LinkGoneError unless the link was made for these two."""
        RowsLink((), self.check).require(subscriber, newsletter)


def sign(purpose: str, *ids: int) -> str:
    """Return an opaque, URL-safe token (RFC 8058 §3.1 asks for one) that carries `ids`."""
    return _sign(purpose, ids)


def read(purpose: str, token: str) -> tuple[int, ...]:
    """Return the ids in a token made for `purpose`; raise LinkError for anything else."""
    return tuple(_varints(_payload(purpose, token)))


def sign_until(purpose: str, until: datetime, *ids: int) -> str:
    """Return a token like `sign`'s that is refused after `until` (aware; whole seconds count)."""
    return sign(purpose, int(until.timestamp()), *ids)


def read_until(purpose: str, token: str, now: datetime) -> tuple[int, ...]:
    """Return the ids in a token that `sign_until` made for `purpose`.

    Raises LinkExpiredError (with the ids) after its time, LinkError for anything else.
    """
    numbers = read(purpose, token)
    if not numbers:
        raise LinkError(DAMAGED)
    until, *ids = numbers
    if now.timestamp() > until:
        raise LinkExpiredError(EXPIRED, tuple(ids))
    return tuple(ids)


def sign_rows(purpose: str, *rows: Named) -> str:
    """Return a token that names these rows, for ever and no others."""
    return _sign(purpose, [row.pk for row in rows], _check_of(rows))


def sign_rows_until(purpose: str, until: datetime, *rows: Named) -> str:
    """Return a token like `sign_rows`'s that expires after `until` (aware; whole seconds count)."""
    ids = [int(until.timestamp()), *(row.pk for row in rows)]
    return _sign(purpose, ids, _check_of(rows))


def read_rows(purpose: str, token: str, *, count: int | None = None) -> RowsLink:
    """Return what a token of `sign_rows` carries, not yet compared with the rows as they are now.

    Raises LinkError for a token that is not one of ours, or names another number of rows.
    """
    payload = _payload(purpose, token)
    ids = tuple(_varints(payload[:-CHECK]))
    if count not in {None, len(ids)}:
        raise LinkError(DAMAGED)
    return RowsLink(ids, payload[-CHECK:])


def read_rows_until(
    purpose: str, token: str, now: datetime, *, count: int | None = None
) -> tuple[RowsLink, datetime]:
    """Return what a token of `sign_rows_until` carries, expired or not, and its last second (UTC).

    Raises LinkError for a token that is not one of ours.
    """
    link = read_rows(purpose, token, count=None if count is None else count + 1)
    if not link.ids:
        raise LinkError(DAMAGED)
    until, *ids = link.ids
    end = datetime.fromtimestamp(until, tz=UTC)
    return RowsLink(tuple(ids), link.check, expired=now.timestamp() > until), end


def bounce_token(issue: Named, subscriber: Named) -> str:
    """Return the token in an envelope sender that says which mail came back (VERP).

    In base32 without a case, because servers on the way may change it; some 50 characters, for a
    local part may have 64 (RFC 5321 §4.5.3.1.1).
    """
    return encode_bounce(
        _signed("bounce", [issue.pk, subscriber.pk], _check_of((issue, subscriber)))
    )


def encode_bounce(raw: bytes) -> str:
    """Return a bounce token's octets as they stand in an address."""
    return b32encode(raw).rstrip(b"=").lower().decode("ascii")


def read_bounce_token(token: str) -> RowsLink:
    """Return issue and subscriber of a bounce token, in any case; LinkError for anything else."""
    try:
        raw = b32decode(token.upper() + "=" * (-len(token) % 8))
    except ValueError as cause:
        raise LinkError(DAMAGED) from cause
    return read_rows("bounce", encode(raw), count=2)


def unsubscribe_token(subscriber: Named, newsletter: Named, issue: int = 0) -> str:
    """Return the token under which this subscriber leaves this newsletter."""
    ids = [subscriber.pk, newsletter.pk, issue]
    return _sign("unsubscribe", ids, _check_of((subscriber, newsletter)))


def read_unsubscribe_token(token: str) -> SubscriberLink:
    """Return whom an unsubscribe token names; raise LinkError if it is not one of ours."""
    link = read_rows("unsubscribe", token, count=3)
    subscriber, newsletter, issue = link.ids
    return SubscriberLink(subscriber, newsletter, issue, link.check)


def issue_url(issue: Named) -> str:
    """Return the link under which a mail shows its issue in a browser; it identifies nobody."""
    return absolute(f"/issue/{sign_rows('issue', issue)}")


def read_issue_token(token: str) -> RowsLink:
    """Return the issue of such a link's token; raise LinkError if it is not one of ours."""
    return read_rows("issue", token, count=1)


def click_url(issue: Named, link: Named) -> str:
    """Return the address of a tracked link; the same for all subscribers, so it names nobody."""
    return absolute(f"/click/{sign_rows('click', issue, link)}")


def read_click_token(token: str) -> RowsLink:
    """Return issue and tracked link of a click's token; LinkError if it is not one of ours."""
    return read_rows("click", token, count=2)


def open_url(issue: Named) -> str:
    """Return the address of an issue's pixel, without `.gif` at its end."""
    return absolute(f"/open/{sign_rows('open', issue)}")


def read_open_token(token: str) -> RowsLink:
    """Return the issue of a pixel's token; raise LinkError if it is not one of ours."""
    return read_rows("open", token, count=1)


def clicker_token(issue: Named, subscriber: Named) -> str:
    """Return what follows tracked links in the mail of a subscriber whose clicks are counted."""
    return sign_rows("clicker", issue, subscriber)


def variant_suffix(variant: int) -> str:
    """Return what follows tracked links in a mail with this subject of a test, 0 to 9."""
    return f"v{variant}"


def read_variant(suffix: str) -> int | None:
    """Return the variant that follows a tracked link's token; None if it says something else."""
    match = _VARIANT.match(suffix)
    return int(match[1]) if match else None


def read_clicker_token(token: str) -> RowsLink:
    """Return issue and subscriber of such a token; raise LinkError if it is not one of ours."""
    return read_rows("clicker", token, count=2)


def ways_out(subscriber: Named, newsletter: Named, issue: int = 0) -> tuple[str, str]:
    """Return the web address that leaves, and the mailto link, or nothing where no mail is read."""
    token = unsubscribe_token(subscriber, newsletter, issue)
    return absolute(f"/unsubscribe/{token}"), unsubscribe_mailto(token)


def unsubscribe_mailto(token: str) -> str:
    """Return the mailto link of an unsubscribe token, or nothing where no mail is read."""
    domain = settings.DIGEST_INBOUND_DOMAIN
    return f"mailto:unsubscribe+{token}@{domain}?subject=unsubscribe" if domain else ""


def preferences_url(subscriber: Named, publication: Named) -> str:
    """Return the link to a subscriber's preferences in every mail; it never expires."""
    return absolute(f"/preferences/{sign_rows('preferences', subscriber, publication)}")


def fresh_preferences_url(subscriber: Named, publication: Named, until: datetime) -> str:
    """Return a link to the same page that may do more, for a while.

    Mails are forwarded, links and all; so what hurts (another address, erasure, all data at once)
    takes a link that was sent for it a short time ago.
    """
    token = sign_rows_until("preferences-fresh", until, subscriber, publication)
    return absolute(f"/preferences/{token}")


def absolute(path: str) -> str:
    """Return the public address of a path of this installation."""
    return f"{settings.DIGEST_BASE_URL}{path}"


def _sign(purpose: str, ids: Iterable[int], check: bytes = b"") -> str:
    return encode(_signed(purpose, ids, check))


def _signed(purpose: str, ids: Iterable[int], check: bytes) -> bytes:
    payload = b"".join(map(varint, ids)) + check
    return payload + _tag(settings.SECRET_KEY, purpose, payload)


def _payload(purpose: str, token: str) -> bytes:
    payload, tag = _split(token)
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if not any(hmac.compare_digest(tag, _tag(key, purpose, payload)) for key in keys):
        raise LinkError(DAMAGED)
    return payload


def _check_of(rows: Iterable[Named]) -> bytes:
    """Return 64 bits that only these rows have; their UUIDs are random."""
    uuids = b"".join([row.uuid.bytes for row in rows])
    return hashlib.sha256(uuids).digest()[:CHECK]


@lru_cache(maxsize=64)
def _key(secret: str, purpose: str) -> bytes:
    return hashlib.sha256(f"digest.links\0{purpose}\0{secret}".encode()).digest()


def _tag(secret: str, purpose: str, payload: bytes) -> bytes:
    return hmac.digest(_key(secret, purpose), payload, "sha256")[:_TAG]


def signer(purpose: str) -> Callable[[bytes], bytes]:
    """Return what puts the tag of one purpose behind a payload, for many of them."""
    key, digest = _key(settings.SECRET_KEY, purpose), hmac.digest
    return lambda payload: payload + digest(key, payload, "sha256")[:_TAG]


def encode(raw: bytes) -> str:
    """Return a token's octets as they stand in a link."""
    return b2a_base64(raw, newline=False).translate(_URL_SAFE).rstrip(b"=").decode("ascii")


def _split(token: str) -> tuple[bytes, bytes]:
    if not token.isascii() or len(token) > _LONGEST:
        raise LinkError(DAMAGED)
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError as cause:
        raise LinkError(DAMAGED) from cause
    # One token, one spelling: base64 decoders forgive stray bits and characters, we don't.
    if len(raw) <= _TAG or encode(raw) != token:
        raise LinkError(DAMAGED)
    return raw[:-_TAG], raw[-_TAG:]


def varint(number: int) -> bytes:
    """Return a number as tokens carry it: seven bits an octet, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _varints(payload: bytes) -> list[int]:
    numbers, number, shift = [], 0, 0
    for byte in payload:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number, shift = 0, 0
    return numbers
