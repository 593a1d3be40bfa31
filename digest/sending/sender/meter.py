"""How long one relay takes to reply, and what it replies, for /metrics."""

import time
from bisect import bisect_left
from collections.abc import Iterable

from digest.core.telemetry.buffer import BUFFER, SUM, Key
from digest.core.telemetry.metrics import REPLIES, REPLY_SECONDS
from digest.relays.models import Dispatch


class ReplyMeter:
    """Measures the replies to one sender's messages; the numbers wait here until `report`."""

    def __init__(self, relay: str) -> None:
        self._relay = relay
        self._begun: dict[int, float] = {}  # messages handed over, time.monotonic()
        self._numbers: dict[Key, float] = {}

    def begin(self, keys: Iterable[int]) -> None:
        """Begin to measure messages that are about to be handed over."""
        self._begun |= dict.fromkeys(keys, time.monotonic())

    def end(self, key: int, state: Dispatch.State) -> None:
        """Count a reply by what became of the message; refused before its data it has no time."""
        self._add((REPLIES.name, self._relay, state.name.lower()), 1)
        if (sent_at := self._begun.pop(key, None)) is not None:
            seconds = time.monotonic() - sent_at
            bucket = str(bisect_left(REPLY_SECONDS.buckets, seconds))
            self._add((REPLY_SECONDS.name, self._relay, bucket), 1)
            self._add((REPLY_SECONDS.name, self._relay, SUM), seconds)

    def report(self) -> None:
        """Hand the numbers on, from which a thread reports them."""
        if self._numbers:
            BUFFER.add(self._numbers)
            self._numbers = {}

    def _add(self, key: Key, number: float) -> None:
        self._numbers[key] = self._numbers.get(key, 0) + number
