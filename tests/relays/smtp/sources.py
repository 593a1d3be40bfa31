"""A source of messages, with what was reported of each."""

from collections.abc import Collection, Iterable, Sequence

from digest.relays.transports.base import OutgoingMessage, Replies


class Source:
    """These messages, the last one first, and what was reported of each, by key."""

    def __init__(self, messages: Iterable[OutgoingMessage]) -> None:
        self.waiting = list(messages)
        self.results: dict[int, str] = {}
        self.stopped = False

    def next_message(self) -> OutgoingMessage | None:
        assert not self.stopped, "asked after the end"
        return self.waiting.pop() if self.waiting else None

    def record_round(self, replies: Replies, ready: Sequence[OutgoingMessage]) -> Collection[int]:
        for message, _ in replies:
            self._report(message, "replied")
        return {message.key for message in ready}

    def mark_uncertain(self, message: OutgoingMessage, reason: str) -> None:
        self._report(message, "uncertain")

    def return_unsent(self, message: OutgoingMessage) -> None:
        self._report(message, "unsent")

    def stop(self) -> None:
        self.stopped = True

    def tick(self) -> None: ...

    def _report(self, message: OutgoingMessage, result: str) -> None:
        assert message.key not in self.results, "reported twice"
        self.results[message.key] = result
