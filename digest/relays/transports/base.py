"""What all transports have in common: messages, replies, and the protocols."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol, Self

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


# Each message has three of these. A named tuple is made in a third of a frozen dataclass's time.


class Envelope(NamedTuple):
    """Sender and recipient as SMTP uses them (RFC 5321 §2.3.1)."""

    sender: str
    recipient: str
    id: str = ""  # comes back in delivery reports of a relay that supports DSN (RFC 3461 §4.4)


class Reply(NamedTuple):
    """The relay's final reply to one message for one recipient."""

    code: int  # RFC 5321 §4.2
    text: str  # one line, the enhanced code included

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463), or ""."""
        match = _ENHANCED.match(self.text)
        return match[1] if match else ""

    @property
    def accepted(self) -> bool:
        """Whether the relay has taken responsibility for the message."""
        return 200 <= self.code < 300

    @property
    def permanent(self) -> bool:
        """Whether another attempt would get the same reply."""
        return self.code >= 500


class OutgoingMessage(NamedTuple):
    """One message with its envelope, and the key by which its source identifies it."""

    key: int
    envelope: Envelope
    content: bytes  # RFC 5322, CRLF line ends
    smtp_safe: bool = False  # known to have no bare CR or LF, and no line that starts with a dot


Replies = Sequence[tuple[OutgoingMessage, Reply]]


class MessageSource(Protocol):
    """Where a transport gets its messages, and where it reports the result of each.

    For each message that `next_message` returned, the transport reports exactly one of: a reply to
    `record_round`, `mark_uncertain`, `return_unsent`.
    """

    def next_message(self) -> OutgoingMessage | None:
        """Return the next message to deliver; None if there are no more, or the time is up."""
        ...

    def record_round(self, replies: Replies, ready: Sequence[OutgoingMessage]) -> Collection[int]:
        """Record durably the relay's replies, and that `ready` is about to be handed over.

        A reply is to a message that was ready in an earlier round, or was refused before that.
        Called before the last octet of `ready` leaves. Returns the keys of those that may be sent;
        the transport must return the others unsent.
        """
        ...

    def mark_uncertain(self, message: OutgoingMessage, reason: str) -> None:
        """Record that nobody knows whether the relay has a message that was begun."""
        ...

    def return_unsent(self, message: OutgoingMessage) -> None:
        """Record that a message was certainly not handed over. It does not count as an attempt."""
        ...

    def stop(self) -> None:
        """Let others have what is left: this relay takes no more, and its replies may take long.

        The transport does not call `next_message` any more.
        """
        ...

    def tick(self) -> None:
        """Do periodic work: called about twice a second while the transport waits for replies."""
        ...


class Transport(Protocol):
    """A way to deliver mail. Used by one thread; may keep connections between messages."""

    preserves_message: bool  # our octets are sent unchanged, so a signature of ours stays valid
    connections: int  # at once, at most; may be lowered before the first message

    def deliver(self, envelope: Envelope, content: bytes) -> Reply:
        """Deliver one message, unchanged, and return the relay's reply to it.

        `content` is RFC 5322 with CRLF line ends. Raises RelayDownError if it was not handed over
        for a reason that would meet any message, ReplyLostError if nobody knows.
        """
        ...

    def deliver_all(self, source: MessageSource) -> None:
        """Deliver all messages of a source, several at once, until it has no more.

        Raises RelayDownError, once the result of every message is reported, if the relay is out of
        reach or refuses every message.
        """
        ...

    def check(self) -> str:
        """Connect and log in, hand nothing over, and return what the relay answers.

        Raises RelayDownError if it cannot be reached or refuses us.
        """
        ...

    def close(self) -> None:
        """Close all connections."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_error: object) -> None: ...


@dataclass(frozen=True, slots=True)
class AddressParts:
    """The parts of a relay's address as a form asks for them; each kind of relay uses some."""

    host: str = ""
    port: int | None = None
    security: str = ""  # starttls, tls or none
    user: str = ""
    password: str = ""
    options: str = ""  # written as in a query


class Adapter(Protocol):
    """What Digest asks of a kind of relay, at one address. docs/adding-a-transport.md shows how.

    `transports.ADAPTERS` lists the adapters by URL scheme. Nothing else in Digest distinguishes
    kinds of relays.
    """

    kinds: ClassVar[Mapping[str, str]]  # that a form offers: the name in addresses, and its label
    checks_login: ClassVar[bool]  # Transport.check also proves that the credentials are accepted

    def __init__(self, url: str) -> None:
        """Read an address; raises ConfigurationError, without repeating any secret in it."""
        ...

    @classmethod
    def write_url(cls, kind: str, parts: AddressParts) -> str:
        """Return the address that these parts make; raises ConfigurationError as `__init__`."""
        ...

    def open(self) -> Transport:
        """Return a transport, which connects when it is first used; raises ConfigurationError."""
        ...

    def describe(self) -> str:
        """Return where the relay is, without secrets."""
        ...

    @property
    def mailbox_url(self) -> str:
        """The web page that shows the mail of a relay which delivers nothing, or ""."""
        ...

    @property
    def encrypted(self) -> bool:
        """Whether mail travels encrypted, or does not leave this machine."""
        ...
