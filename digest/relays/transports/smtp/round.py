"""What conversations ask of a source, and report to it, in one round of the loop."""

from typing import Protocol

from digest.relays.transports.base import MessageSource, OutgoingMessage, Reply


class Refusing(Protocol):
    """Called with the problem when the relay refuses what every message has."""

    def __call__(self, problem: str, reply: Reply | None) -> None: ...


class Round:
    """Collects the replies of all conversations, so that the source records them at once."""

    def __init__(self, source: MessageSource, refuse_all: Refusing) -> None:
        self.mark_uncertain = source.mark_uncertain
        self.return_unsent = source.return_unsent
        self.refuse_all = refuse_all
        self.answered = 0  # messages that the relay has replied to, in all rounds
        self._source = source
        self._replies: list[tuple[OutgoingMessage, Reply]] = []
        self._kept: list[OutgoingMessage] = []  # for another connection

    def next_message(self) -> OutgoingMessage | None:
        """Return the next message; None if there are no more."""
        return self._kept.pop() if self._kept else self._source.next_message()

    def keep(self, message: OutgoingMessage) -> None:
        """Let another connection have a message that was not offered over a broken one."""
        self._kept.append(message)

    def return_kept(self) -> None:
        """Return unsent what no connection is left for."""
        while self._kept:
            self.return_unsent(self._kept.pop())

    def report(self, message: OutgoingMessage, reply: Reply) -> None:
        """Keep the relay's reply to a message until the round ends."""
        self.answered += 1
        self._replies.append((message, reply))

    def end(self, ready: list[OutgoingMessage]) -> frozenset[int]:
        """Record what was replied and what is ready; return the keys of those that may leave."""
        if not ready and not self._replies:
            return frozenset()
        replies, self._replies = self._replies, []
        return frozenset(self._source.record_round(replies, ready))
