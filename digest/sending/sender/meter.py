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
        self._replies: dict[Dispatch.State, int] = {}
        self._buckets: dict[int, int] = {}  # replies by their place in REPLY_SECONDS.buckets
        self._seconds = 0.0  # of all replies

    def begin(self, keys: Iterable[int]) -> None:
        """Begin to measure messages that are about to be handed over."""
        self._begun |= dict.fromkeys(keys, time.monotonic())

    def end(self, key: int, state: Dispatch.State) -> None:
        """Count a reply by what became of the message; refused before its data it has no time."""
        self._replies[state] = self._replies.get(state, 0) + 1
        if (sent_at := self._begun.pop(key, None)) is not None:
            seconds = time.monotonic() - sent_at
            bucket = bisect_left(REPLY_SECONDS.buckets, seconds)
            self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
            self._seconds += seconds

    def report(self) -> None:
        """Hand the numbers on, from which a thread reports them."""
        if not self._replies:
            return
        relay = self._relay
        numbers: dict[Key, float] = {
            (REPLIES.name, relay, state.name.lower()): count
            for state, count in self._replies.items()
        }
        if self._buckets:
            numbers |= {
                (REPLY_SECONDS.name, relay, str(bucket)): count
                for bucket, count in self._buckets.items()
            }
            numbers[REPLY_SECONDS.name, relay, SUM] = self._seconds
        BUFFER.add(numbers)
        self._replies, self._buckets, self._seconds = {}, {}, 0.0
