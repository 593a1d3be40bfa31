"""Opaque tokens: a few numbers, signed for one purpose.

A token is base64url(payload ‖ tag). The payload is a few unsigned varints (ids); the tag is the
first 16 bytes of HMAC-SHA256 under a key derived for one purpose, so a token made for one purpose
is refused for every other. A token that expires carries its last moment as the first of the ids.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache

from django.conf import settings

from digest.core.errors import LinkError, LinkExpiredError

DAMAGED = "This link is damaged or was not made by us."
EXPIRED = "This link has expired."
_TAG = 16
_LONGEST = 512
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def sign(purpose: str, *ids: int) -> str:
    """Return an opaque, URL-safe token (RFC 8058 §3.1 asks for one) that carries `ids`."""
    return encode(sign_octets(purpose, ids))


def read(purpose: str, token: str) -> tuple[int, ...]:
    """Return the ids in a token made for `purpose`; raise LinkError for anything else."""
    return tuple(decode_varints(read_payload(purpose, token)))


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


def sign_octets(purpose: str, ids: Iterable[int], check: bytes = b"") -> bytes:
    """Return a token's octets: the ids, what else it carries, and the tag."""
    payload = b"".join(map(encode_varint, ids)) + check
    return payload + _tag(settings.SECRET_KEY, purpose, payload)


def read_payload(purpose: str, token: str) -> bytes:
    """Return what a token made for `purpose` carries; raise LinkError for anything else."""
    payload, tag = _split(token)
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if not any(hmac.compare_digest(tag, _tag(key, purpose, payload)) for key in keys):
        raise LinkError(DAMAGED)
    return payload


def signer(purpose: str) -> Callable[[bytes], bytes]:
    """Return what puts the tag of one purpose behind a payload, for many of them.

    HMAC by its definition (RFC 2104 §2), with both hashes begun once: OpenSSL 3 looks the algorithm
    up for each `hmac.digest`, which takes three times as long.
    """
    key = _key(settings.SECRET_KEY, purpose).ljust(hashlib.sha256().block_size, b"\0")
    inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in key))
    outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in key))

    def sign_payload(payload: bytes) -> bytes:
        hashed, tag = inner.copy(), outer.copy()
        hashed.update(payload)
        tag.update(hashed.digest())
        return payload + tag.digest()[:_TAG]

    return sign_payload


def encode(raw: bytes) -> str:
    """Return a token's octets as they stand in a link."""
    return b2a_base64(raw, newline=False).translate(_URL_SAFE).rstrip(b"=").decode("ascii")


def encode_varint(number: int) -> bytes:
    """Return a number as tokens carry it: seven bits an octet, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def decode_varints(payload: bytes) -> list[int]:
    """Return the numbers that a payload of varints is made of."""
    numbers, number, shift = [], 0, 0
    for byte in payload:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number, shift = 0, 0
    return numbers


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


@lru_cache(maxsize=64)
def _key(secret: str, purpose: str) -> bytes:
    return hashlib.sha256(f"digest.links\0{purpose}\0{secret}".encode()).digest()


def _tag(secret: str, purpose: str, payload: bytes) -> bytes:
    return hmac.digest(_key(secret, purpose), payload, "sha256")[:_TAG]
