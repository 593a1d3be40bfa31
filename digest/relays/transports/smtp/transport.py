"""Delivers mail to one relay over SMTP, as transports.base.Transport describes."""

from collections.abc import Collection, Sequence
from typing import Self

from digest.relays.errors import RelayDownError, ReplyLostError
from digest.relays.transports.base import Envelope, MessageSource, OutgoingMessage, Replies, Reply
from digest.relays.transports.smtp.address import RelayAddress
from digest.relays.transports.smtp.conversation import Conversation
from digest.relays.transports.smtp.loop import DeliveryLoop
from digest.relays.transports.smtp.session import connect


class SmtpTransport:
    """Delivers mail to one relay; connections stay open until `close`."""

    preserves_message = True

    def __init__(self, address: RelayAddress) -> None:
        self.address = address
        self.connections = address.connections
        self._conversations: list[Conversation] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def deliver(self, envelope: Envelope, content: bytes) -> Reply:
        """Deliver one message; see Transport.deliver."""
        source = _SingleMessage(OutgoingMessage(0, envelope, content))
        try:
            with DeliveryLoop(self.address, self._conversations, source, connections=1) as loop:
                loop.run()
        except RelayDownError:  # it may be down after its reply to this message
            if source.reply is None and not source.uncertain_because:
                raise
        return source.result()

    def deliver_all(self, source: MessageSource) -> None:
        """Deliver all messages of a source; see Transport.deliver_all."""
        with DeliveryLoop(self.address, self._conversations, source, self.connections) as loop:
            loop.run()

    def check(self) -> str:
        """Connect, log in, and return the relay's greeting; raises RelayDownError."""
        if not self._conversations:
            session = connect(self.address)
            self._conversations.append(Conversation(session, self.address.messages))
        return self._conversations[0].session.greeting

    def close(self) -> None:
        """Send QUIT over each connection, without waiting for the reply."""
        for conversation in self._conversations:
            conversation.quit()
        self._conversations.clear()


class _SingleMessage:
    """A source of one message; if it is returned unsent, a new connection tries it once more."""

    def __init__(self, message: OutgoingMessage) -> None:
        self.waiting: list[OutgoingMessage] = [message]
        self.times_returned = 0
        self.reply: Reply | None = None
        self.uncertain_because = ""

    def next_message(self) -> OutgoingMessage | None:
        """Return the message, unless it is under way."""
        return self.waiting.pop() if self.waiting else None

    def record_round(self, replies: Replies, ready: Sequence[OutgoingMessage]) -> Collection[int]:
        """Store the reply; allow the message: the caller has recorded the attempt already."""
        for _, reply in replies:
            self.reply = reply
        return {message.key for message in ready}

    def mark_uncertain(self, message: OutgoingMessage, reason: str) -> None:  # noqa: ARG002
        """Store the reason."""
        self.uncertain_because = reason

    def return_unsent(self, message: OutgoingMessage) -> None:
        """Offer it once more."""
        self.times_returned += 1
        if self.times_returned == 1:
            self.waiting.append(message)

    def stop(self) -> None:
        """Do nothing: nobody else has the message."""

    def tick(self) -> None:
        """Do nothing: there is no other work."""

    def result(self) -> Reply:
        """Return the relay's reply; raises ReplyLostError or RelayDownError without one."""
        if self.uncertain_because:
            raise ReplyLostError(self.uncertain_because)
        if self.reply is None:
            raise RelayDownError("The connection broke before the message was handed over.")
        return self.reply
