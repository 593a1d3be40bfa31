"""What every way of handing mail over has in common."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom to whom, as SMTP understands it (RFC 5321 §2.3.1)."""

    sender: str
    recipient: str
    id: str = ""  # told back in reports of a failure, where the relay knows DSN (RFC 3461 §4.4)


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


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message with its envelope, and what its load knows it by."""

    key: int
    envelope: Envelope
    message: bytes  # RFC 5322, CRLF line ends
    smtp_safe: bool = False  # known to have no bare CR or LF, and no line that starts with a dot


class Load(Protocol):
    """Messages that a transport carries, and the book that is kept of them.

    For each parcel that was taken, exactly one of `settle`, `doubt` and `give_back` is called.
    """

    def take(self) -> OutgoingMessage | None:
        """Return the next one to carry; None: nothing is left, or the time is up."""
        ...

    def begin(self, parcels: Sequence[OutgoingMessage]) -> Collection[int]:
        """Note durably that these are about to be handed over; comes before their last octet.

        Returns the keys of those that may go. The others must not: they are to be given back.
        """
        ...

    def settle(self, parcel: OutgoingMessage, reply: Reply) -> None:
        """Note the relay's word on a parcel, begun or refused before that."""
        ...

    def doubt(self, parcel: OutgoingMessage, why: str) -> None:
        """Note that nobody knows whether the relay has a parcel that was begun."""
        ...

    def give_back(self, parcel: OutgoingMessage) -> None:
        """Note that a parcel was surely not handed over, and nobody's attempt is used up."""
        ...

    def tick(self) -> None:
        """Use the time: called about twice a second where the transport waits for replies."""
        ...


class Transport(Protocol):
    """A way to hand mail over. Used by one thread; may keep connections between messages."""

    intact: bool  # what we hand over goes out unchanged, so a signature of ours holds
    connections: int  # at once, at most; may be lowered before the first message

    def deliver(self, envelope: Envelope, message: bytes) -> Reply:
        """InFlight one message over, unchanged, and return the relay's word on it.

        `message` is RFC 5322 with CRLF line ends. Raises RelayDownError if it was not handed over
        for a reason that would meet any message, ReplyLostError if nobody knows.
        """
        ...

    def carry(self, load: Load) -> None:
        """InFlight over all that a load has, several at once, until it gives no more.

        Raises RelayDownError, once every parcel taken is accounted for, if the relay is out of
        reach or refuses whatever we bring.
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
