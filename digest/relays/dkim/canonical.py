"""The relaxed forms of a message's head and body (RFC 6376 §3.4.2, §3.4.4).

A mail is signed for each subscriber, so nothing here looks at single lines of a body: patterns that
begin with two fixed octets are found some three times as fast as by `in` or `replace`.
"""

import re
from collections.abc import Iterable, Mapping

CRLF = b"\r\n"
# "Two spaces, perhaps more": written so that the pattern starts with fixed octets.
_SPACES = re.compile(rb"   *")
_TRAILING = re.compile(rb" \r\n")

Head = Mapping[bytes, list[bytes]]


def parted(message: bytes) -> tuple[bytes, bytes]:
    """Return head and body of an RFC 5322 message with CRLF line ends, without the empty line."""
    head, _, body = message.partition(b"\r\n\r\n")
    return head, body


def body(octets: bytes) -> bytes:
    """Return a body as it is hashed (RFC 6376 §3.4.4)."""
    lines = _TRAILING.sub(CRLF, _single_spaced(octets))
    # A bare CR or LF is in no mail that is sent (see transports.smtp.wire).
    text = lines.removesuffix(b" ").rstrip(CRLF)
    return text + CRLF if text else b""


def head(octets: bytes) -> Head:
    """Return the fields as they are signed (RFC 6376 §3.4.2): by name, in their order, no CRLF."""
    unfolded = octets.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    fields: dict[bytes, list[bytes]] = {}
    for line in _single_spaced(unfolded).split(CRLF):
        name, colon, value = line.partition(b":")
        if colon:
            name = name.rstrip(b" ").lower()
            fields.setdefault(name, []).append(b"%b:%b" % (name, value.strip(b" ")))
    return fields


def covered(fields: Head, names: Iterable[bytes], own: bytes) -> bytes:
    """Return the octets that a signature covers (RFC 6376 §3.7): all fields of these names.

    Of several with one name the last comes first (§5.4.2). `own` is the signature's own field, as
    it is signed.
    """
    lines = [line for name in names if name in fields for line in reversed(fields[name])]
    return CRLF.join([*lines, own])


def _single_spaced(octets: bytes) -> bytes:
    spaced = octets.replace(b"\t", b" ") if b"\t" in octets else octets
    return _SPACES.sub(b" ", spaced)
