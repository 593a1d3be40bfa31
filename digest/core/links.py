"""Signed tokens in links: who may do what, without a login and without a table.

A token is base64url(payload ‖ tag). The payload is a few unsigned varints (ids); the tag is the
first 16 bytes of HMAC-SHA256 under a key derived for one purpose, so a token made for one purpose
is refused for every other. Tokens to unsubscribe never expire: a mail may be read years later.
Those that do carry their last moment as the first of the ids.
"""

import hashlib
import hmac
from base64 import b32decode, b32encode, urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings

from digest.core.errors import LinkError, LinkExpiredError

DAMAGED = "This link is damaged or was not made by us."
_TAG = 16
_LONGEST = 512
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class SubscriberLink(NamedTuple):
    """What a subscriber's link in an issue stands for: three ids."""

    subscriber: int
    newsletter: int
    issue: int  # 0: none, the link stood in no issue


def sign(purpose: str, *ids: int) -> str:
    """Return an opaque, URL-safe token (RFC 8058 §3.1 asks for one) that carries `ids`."""
    payload = _varints_of(ids)
    return _encode(payload + _tag(settings.SECRET_KEY, purpose, payload))


def read(purpose: str, token: str) -> tuple[int, ...]:
    """Return the ids in a token made for `purpose`; raise LinkError for anything else."""
    payload, tag = _split(token)
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if not any(hmac.compare_digest(tag, _tag(key, purpose, payload)) for key in keys):
        raise LinkError(DAMAGED)
    return tuple(_varints(payload))


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
        raise LinkExpiredError("This link has expired.", tuple(ids))
    return tuple(ids)


def bounce_token(issue: int, subscriber: int) -> str:
    """Return the token in an envelope sender that says which mail came back (VERP).

    In base32 without a case, because servers on the way may change it; some 40 characters, for a
    local part may have 64 (RFC 5321 §4.5.3.1.1).
    """
    payload = _varints_of((issue, subscriber))
    raw = payload + _tag(settings.SECRET_KEY, "bounce", payload)
    return b32encode(raw).rstrip(b"=").lower().decode("ascii")


def read_bounce_token(token: str) -> tuple[int, int]:
    """Return issue and subscriber of a bounce token, in any case; LinkError for anything else."""
    try:
        raw = b32decode(token.upper() + "=" * (-len(token) % 8))
    except ValueError as cause:
        raise LinkError(DAMAGED) from cause
    ids = read("bounce", _encode(raw))
    if len(ids) != 2:
        raise LinkError(DAMAGED)
    return ids[0], ids[1]


def unsubscribe_token(link: SubscriberLink) -> str:
    """Return the token under which this subscriber leaves this newsletter."""
    return sign("unsubscribe", *link)


def read_unsubscribe_token(token: str) -> SubscriberLink:
    """Return whom an unsubscribe token names; raise LinkError if it is not one of ours."""
    ids = read("unsubscribe", token)
    if len(ids) != len(SubscriberLink._fields):
        raise LinkError(DAMAGED)
    return SubscriberLink(*ids)


def story_url(issue: int, story: int) -> str:
    """Return our own link to a story; the same for all subscribers, so it identifies nobody."""
    return absolute(f"/r/{sign('story', issue, story)}")


def read_story_token(token: str) -> tuple[int, int]:
    """Return issue and story of such a link's token; raise LinkError if it is not one of ours."""
    ids = read("story", token)
    if len(ids) != 2:
        raise LinkError(DAMAGED)
    return ids[0], ids[1]


def ways_out(link: SubscriberLink) -> tuple[str, str]:
    """Return the web address that leaves, and the mailto link, or nothing where no mail is read."""
    token, domain = unsubscribe_token(link), settings.DIGEST_INBOUND_DOMAIN
    mailto = f"mailto:unsubscribe+{token}@{domain}?subject=unsubscribe" if domain else ""
    return absolute(f"/unsubscribe/{token}"), mailto


def preferences_url(subscriber: int, publication: int) -> str:
    """Return the link to a subscriber's preferences in every mail; it never expires."""
    return absolute(f"/preferences/{sign('preferences', subscriber, publication)}")


def fresh_preferences_url(subscriber: int, publication: int, until: datetime) -> str:
    """Return a link to the same page that may do more, for a while.

    Mails are forwarded, links and all; so what hurts (another address, erasure, all data at once)
    takes a link that was sent for it a short time ago.
    """
    token = sign_until("preferences-fresh", until, subscriber, publication)
    return absolute(f"/preferences/{token}")


def absolute(path: str) -> str:
    """Return the public address of a path of this installation."""
    return f"{settings.DIGEST_BASE_URL}{path}"


@lru_cache(maxsize=64)
def _key(secret: str, purpose: str) -> bytes:
    return hashlib.sha256(f"digest.links\0{purpose}\0{secret}".encode()).digest()


def _tag(secret: str, purpose: str, payload: bytes) -> bytes:
    return hmac.digest(_key(secret, purpose), payload, "sha256")[:_TAG]


def _encode(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).translate(_URL_SAFE).rstrip(b"=").decode("ascii")


def _split(token: str) -> tuple[bytes, bytes]:
    if not token.isascii() or len(token) > _LONGEST:
        raise LinkError(DAMAGED)
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError as cause:
        raise LinkError(DAMAGED) from cause
    # One token, one spelling: base64 decoders forgive stray bits and characters, we don't.
    if len(raw) <= _TAG or _encode(raw) != token:
        raise LinkError(DAMAGED)
    return raw[:-_TAG], raw[-_TAG:]


def _varints_of(numbers: Iterable[int]) -> bytes:
    out = bytearray()
    for number in numbers:
        rest = number
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        out.append(rest)
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
