"""DKIM: our own signature on what is handed to the relay (RFC 6376, Ed25519 by RFC 8463).

    sign > keys.keys_of > canonical.body, head > a DKIM-Signature field for each key

A signature covers the whole body, relaxed/relaxed. Each name in OVERSIGNED is listed once more
than its field occurs, so nobody can add a second Subject or List-Unsubscribe (RFC 6376 §8.15).
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from digest.relays.dkim import canonical
from digest.relays.dkim.keys import Key, all_keys, keys_of

__all__ = ["OVERSIGNED", "Key", "all_keys", "check_keys", "keys_of", "sign"]

# What RFC 6376 §5.4.1 recommends and RFC 8058 §4 requires, without the fields that relays add
# (Received, Return-Path, Sender, Feedback-ID).
OVERSIGNED = (
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Reply-To",
    "Message-ID",
    "In-Reply-To",
    "References",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Archive",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
)
_LINE_LENGTH = 78  # RFC 5322 §2.1.1, without CRLF
_SIGNATURE_LENGTH = 72  # octets of the signature on one line
_NAMES = tuple(name.lower().encode() for name in OVERSIGNED)


def sign(message: bytes, domain: str, now: datetime) -> bytes:
    """Return a message with a DKIM-Signature for each key of `domain`, the one in its From.

    `message` is RFC 5322 with CRLF line ends, `now` is aware. Returns the message unchanged if the
    domain has no key (see keys_of). Raises ConfigurationError for a key that cannot be used.
    """
    if not (keys := keys_of(domain)):
        return message
    octets, body = canonical.split_message(message)
    fields = canonical.head(octets)
    body_hash = b64encode(sha256(canonical.body(body)).digest())
    signatures = [_field(key, fields, body_hash, int(now.timestamp())) for key in keys]
    return b"".join([*signatures, message])


def check_keys() -> None:
    """Raise ConfigurationError if a key in the settings cannot be used.

    Called before sending: discovered later, it would count as a failure of single subscribers.
    """
    all_keys()


@dataclass(frozen=True, slots=True)
class _Template:
    """A DKIM-Signature field without its signature, with slots for time (%d) and body hash (%b)."""

    wire: bytes  # as it is sent
    canonical: bytes  # as it is signed


def _field(key: Key, fields: canonical.Head, body_hash: bytes, timestamp: int) -> bytes:
    """Return the DKIM-Signature field of one key (RFC 6376 §3.5), folded."""
    template = _template(key, tuple([len(fields.get(name, ())) for name in _NAMES]))
    own_field = template.canonical % (timestamp, body_hash)
    signature = b64encode(key.sign(canonical.signed_octets(fields, _NAMES, own_field)))
    pieces = [
        signature[start : start + _SIGNATURE_LENGTH]
        for start in range(0, len(signature), _SIGNATURE_LENGTH)
    ]
    return template.wire % (timestamp, body_hash) + b"\r\n  ".join(pieces) + canonical.CRLF


@lru_cache(maxsize=64)  # all mails of an issue have the same fields
def _template(key: Key, counts: tuple[int, ...]) -> _Template:
    wire = (
        f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed;\r\n"
        f" d={key.domain};\r\n"
        f" s={key.selector}; t=%d;\r\n"
        " bh=%b;\r\n"
        f" {_name_list(counts)};\r\n"
        " b="
    ).encode()
    [[own_field]] = canonical.head(wire).values()
    return _Template(wire, own_field)


def _name_list(counts: Sequence[int]) -> str:
    """Return h= for a number of fields of each name, folded at its colons."""
    names = [name for name, count in zip(OVERSIGNED, counts, strict=True) for _ in range(count + 1)]
    line, lines = "h=", []
    for name in names:
        if len(line) + len(name) + 2 > _LINE_LENGTH:  # with its colon and the fold's space
            lines.append(line)
            line = ""
        line += f"{name}:"
    return "\r\n ".join([*lines, line]).removesuffix(":")
