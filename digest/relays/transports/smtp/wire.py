"""The octets of commands, messages and replies (RFC 5321 §2.3.8, §4.2.1, §4.5.2)."""

import re

from digest.relays.transports.base import Envelope, Reply

LONGEST_REPLY = 64_000  # octets that a relay may say before it makes sense

_SPACE = re.compile(rb"\s+")
_LINE = re.compile(rb"(\d{3})(?:([ -])([^\r\n]*))?\r?\n")
_XCHARS = re.compile(r"[!-*,-<>-~]*")
_KEPT = 500  # characters of a relay's words


def stuffed(message: bytes) -> bytes:
    """Stuff dots and add the final one (RFC 5321 §4.5.2).

    A bare CR or LF could end the message early for a lenient relay (SMTP smuggling), so our own
    messages have none, and one that has is not sent: ValueError.
    """
    strict(message)
    start = b"." if message.startswith(b".") else b""
    return terminated(start + message.replace(b"\r\n.", b"\r\n.."))


def terminated(message: bytes) -> bytes:
    """Add the final dot to a message that is smtp_safe or stuffed."""
    return message + (b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n")


def strict(message: bytes) -> None:
    """Raise ValueError for a message with a CR or LF that is no part of a CRLF."""
    pairs = message.count(b"\r\n")
    if message.count(b"\n") != pairs or message.count(b"\r") != pairs:
        raise ValueError("a message with a bare CR or LF")


def mail(envelope: Envelope, size: int, *, ascii_body: bool, extensions: frozenset[str]) -> bytes:
    """Return MAIL FROM with what the relay offers: SIZE, 8BITMIME, SMTPUTF8, DSN."""
    words = [f"MAIL FROM:<{envelope.sender}>"]
    if "size" in extensions:  # RFC 1870
        words.append(f"SIZE={size}")
    if not ascii_body and "8bitmime" in extensions:  # RFC 6152
        words.append("BODY=8BITMIME")
    if not (envelope.sender.isascii() and envelope.recipient.isascii()):
        words.append("SMTPUTF8")  # RFC 6531
    if envelope.id and "dsn" in extensions:  # RFC 3461 §4.3, §4.4
        words.append(f"RET=HDRS ENVID={_xtext(envelope.id)}")
    return f"{' '.join(words)}\r\n".encode()


def rcpt(envelope: Envelope, extensions: frozenset[str]) -> bytes:
    """Return RCPT TO; a relay that knows DSN is asked to tell of failures only."""
    notify = " NOTIFY=FAILURE" if envelope.id and "dsn" in extensions else ""
    return f"RCPT TO:<{envelope.recipient}>{notify}\r\n".encode()


class Replies:
    """Cuts what a relay says into replies."""

    __slots__ = ("_buffer", "_lines")

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[bytes] = []

    @property
    def empty(self) -> bool:
        """Nothing is waiting that is not yet a whole reply."""
        return not self._buffer and not self._lines

    def feed(self, octets: bytes) -> list[Reply]:
        """Return the replies that are now complete; ValueError for what is none."""
        buffer = self._buffer + octets if self._buffer else octets
        found: list[Reply] = []
        at = 0
        while match := _LINE.match(buffer, at):
            at = match.end()
            code, more, text = match.groups()
            if more == b"-":
                self._lines.append(text)
                if len(self._lines) > 1_000:
                    raise ValueError("a reply without an end")
                continue
            text = text or b""
            if self._lines:
                text, self._lines = b" ".join([*self._lines, text]), []
            found.append(Reply(int(code), line(text)))
        self._buffer = buffer[at:]
        if b"\n" in self._buffer or len(self._buffer) > LONGEST_REPLY:
            raise ValueError(f"no reply of SMTP: {line(self._buffer[:80])!r}")
        return found


def line(text: bytes) -> str:
    """Return a relay's words as one line that may be shown."""
    try:
        plain = text.decode("ascii")
    except UnicodeDecodeError:
        plain = text.decode("utf-8", "replace")
    if plain.isprintable():
        return plain.strip()[:_KEPT]
    spaced = _SPACE.sub(b" ", text).decode("utf-8", "replace").strip()
    return "".join(each for each in spaced if each.isprintable())[:_KEPT]


def _xtext(text: str) -> str:
    """Return text as DSN parameters carry it (RFC 3461 §4)."""
    if _XCHARS.fullmatch(text):
        return text
    return "".join(
        each if "!" <= each <= "~" and each not in "+=" else f"+{ord(each):02X}" for each in text
    )
