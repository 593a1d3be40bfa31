"""The octets of messages and replies (RFC 5321 §2.3.8, §4.2.1, §4.5.2)."""

import re

from digest.core.text import one_line
from digest.relays.transports.base import Reply

MAX_REPLY = 64_000  # octets that a relay may send without completing a reply
MAX_REPLY_LINES = 1_000
MAX_TEXT = 500  # characters of a reply that are stored

# A careless server ends lines in two CR, or has one within the text.
_LINE = re.compile(rb"(\d{3})(?:([ -])([^\r\n]*(?:\r+[^\r\n]+)*))?\r*\n")


def dot_stuffed(content: bytes) -> bytes:
    """Stuff dots (RFC 5321 §4.5.2).

    A bare CR or LF could end the message early for a lenient relay (SMTP smuggling). Our own
    messages have none; for one that has, this raises ValueError.
    """
    check_line_ends(content)
    start = b"." if content.startswith(b".") else b""
    return start + content.replace(b"\r\n.", b"\r\n..")


def final_dot(content: bytes) -> bytes:
    """Return what ends a message that is SMTP-safe or stuffed."""
    return b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"


def check_line_ends(content: bytes) -> None:
    """Raise ValueError for a message with a CR or LF outside a CRLF."""
    pairs = content.count(b"\r\n")
    if content.count(b"\n") != pairs or content.count(b"\r") != pairs:
        raise ValueError("a message with a bare CR or LF")


class NotSmtpError(ValueError):
    """What the relay sent is not SMTP; `replies` are complete ones that came before it."""

    def __init__(self, problem: str, replies: list[tuple[int, bytes]]) -> None:
        super().__init__(problem)
        self.replies = replies


class Replies:
    """Cuts the octets that a relay sends into replies."""

    __slots__ = ("_buffer", "_lines")

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[bytes] = []

    @property
    def empty(self) -> bool:
        """No part of an incomplete reply is waiting."""
        return not self._buffer and not self._lines

    def feed(self, octets: bytes) -> list[tuple[int, bytes]]:
        """Return code and text of the replies that are now complete.

        Most say that an envelope goes on, and nobody reads their text: `reply_of` decodes it.
        Raises NotSmtpError, which has those before it, for what is not SMTP.
        """
        buffer = self._buffer + octets if self._buffer else octets
        replies: list[tuple[int, bytes]] = []
        position = 0
        while match := _LINE.match(buffer, position):
            position = match.end()
            code, more, text = match.groups()
            if more == b"-":
                self._lines.append(text)
                if len(self._lines) > MAX_REPLY_LINES:
                    raise NotSmtpError("a reply without an end", replies)
                continue
            text = text or b""
            if self._lines:
                text, self._lines = b" ".join([*self._lines, text]), []
            replies.append((int(code), text))
        self._buffer = buffer[position:]
        if b"\n" in self._buffer or len(self._buffer) > MAX_REPLY:
            problem = f"not a reply of SMTP: {reply_text(self._buffer[:80])!r}"
            raise NotSmtpError(problem, replies)
        return replies


def reply_of(code: int, text: bytes) -> Reply:
    """Return a reply with its text decoded."""
    return Reply(code, reply_text(text))


def reply_text(octets: bytes) -> str:
    """Return the text of a reply on one line of at most MAX_TEXT characters."""
    return one_line(octets.decode("utf-8", "replace"), MAX_TEXT)
