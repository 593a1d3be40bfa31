"""What every way of handing mail over has in common."""

import re
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom to whom, as SMTP understands it (RFC 5321 §2.3.1)."""

    sender: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The relay's final word on one message for one recipient."""

    code: int  # RFC 5321 §4.2
    text: str  # one line, the enhanced code included

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463), or nothing."""
        found = _ENHANCED.match(self.text)
        return found[1] if found else ""

    @property
    def accepted(self) -> bool:
        """The relay has taken responsibility."""
        return 200 <= self.code < 300

    @property
    def permanent(self) -> bool:
        """Trying again would end the same way."""
        return self.code >= 500


class Transport(Protocol):
    """A way to hand mail over. Used by one thread; may keep a connection between messages."""

    def deliver(self, envelope: Envelope, message: bytes) -> Reply:
        """Hand one message over, unchanged, and return the relay's word on it.

        `message` is RFC 5322 with CRLF line ends. Raises RelayDownError if it was not handed over
        for a reason that would meet any message, ReplyLostError if nobody knows.
        """
        ...

    def close(self) -> None:
        """Say goodbye."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None: ...
