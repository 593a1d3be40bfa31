"""DKIM: our own signature on what is handed to the relay (RFC 6376, Ed25519 by RFC 8463).

    signed > keys.keys_of > canonical.body, head > a DKIM-Signature field for each key

Signed are whole bodies, relaxed/relaxed. Each name in OVERSIGNED is listed once more than its field
occurs, so nobody can add a second Subject or a List-Unsubscribe of their own (RFC 6376 §8.15).
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from digest.relays.dkim import canonical
from digest.relays.dkim.keys import Key, all_keys, keys_of

__all__ = ["OVERSIGNED", "Key", "all_keys", "keys_of", "ready", "signed"]

# What RFC 6376 §5.4.1 advises and RFC 8058 §4 requires. Not here: what relays add by themselves
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
_LINE = 78  # RFC 5322 §2.1.1, without CRLF
_B64 = 72  # octets of the signature on one line
_NAMES = tuple(name.lower().encode() for name in OVERSIGNED)


def signed(message: bytes, domain: str, now: datetime) -> bytes:
    """Return a message with a DKIM-Signature for each key of `domain`, the one in its From.

    `message` is RFC 5322 with CRLF line ends, `now` is aware. Unchanged where there is no key for
    the domain (see keys_of). Raises ConfigurationError for a key that cannot be used.
    """
    if not (keys := keys_of(domain)):
        return message
    octets, body = canonical.parted(message)
    fields = canonical.head(octets)
    body_hash = b64encode(sha256(canonical.body(body)).digest())
    made = [_field(key, fields, body_hash, int(now.timestamp())) for key in keys]
    return b"".join([*made, message])


def ready() -> None:
    """Raise ConfigurationError if mail cannot be signed as the settings say.

    For whoever is about to send: found out later, it would count against single subscribers.
    """
    all_keys()


@dataclass(frozen=True, slots=True)
class _Form:
    """A DKIM-Signature field that lacks its time (%d) and body hash (%b), and its signature."""

    ready: bytes  # as it is sent
    own: bytes  # as it is signed


def _field(key: Key, fields: canonical.Head, body_hash: bytes, at: int) -> bytes:
    """Return the DKIM-Signature field of one key (RFC 6376 §3.5), folded."""
    form = _form(key, tuple([len(fields.get(name, ())) for name in _NAMES]))
    own = form.own % (at, body_hash)
    signature = b64encode(key.sign(canonical.covered(fields, _NAMES, own)))
    pieces = [signature[at : at + _B64] for at in range(0, len(signature), _B64)]
    return form.ready % (at, body_hash) + b"\r\n  ".join(pieces) + canonical.CRLF


@lru_cache(maxsize=64)  # all mails of an issue have the same fields
def _form(key: Key, counts: tuple[int, ...]) -> _Form:
    ready = (
        f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed;\r\n"
        f" d={key.domain};\r\n"
        f" s={key.selector}; t=%d;\r\n"
        " bh=%b;\r\n"
        f" {_listed(counts)};\r\n"
        " b="
    ).encode()
    [[own]] = canonical.head(ready).values()
    return _Form(ready, own)


def _listed(counts: Sequence[int]) -> str:
    """Return h= for so many fields of each name, folded at its colons."""
    names = [name for name, count in zip(OVERSIGNED, counts, strict=True) for _ in range(count + 1)]
    line, lines = "h=", []
    for name in names:
        if len(line) + len(name) + 2 > _LINE:  # a colon behind it, the fold's space before
            lines.append(line)
            line = ""
        line += f"{name}:"
    return "\r\n ".join([*lines, line]).removesuffix(":")
