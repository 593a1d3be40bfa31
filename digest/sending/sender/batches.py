"""All batches that one sender has in flight: checked every second, recorded, and dropped.

`record`, `release_waiting` and `drop` are for whoever has the turn, as the ledger's thread does.
The sender's own adds batches and takes messages from them.
"""

import time
from collections.abc import Iterable, Iterator
from threading import Lock

from digest.core import clock
from digest.relays.rate_limits import RateLimiter
from digest.sending import ledger
from digest.sending.models import Delivery
from digest.sending.sender.heartbeat import Heartbeat
from digest.sending.sender.in_flight import InFlight
from digest.sending.sender.recorder import Recorder


class Batches:
    """The batches in flight, by fence."""

    def __init__(
        self, recorder: Recorder, leases: Heartbeat, limiter: RateLimiter, turn: Lock
    ) -> None:
        """`turn` is held while the database is used."""
        self._turn = turn
        self._recorder = recorder
        self._leases = leases
        self._limiter = limiter
        self._by_fence: dict[int, InFlight] = {}

    def __iter__(self) -> Iterator[InFlight]:
        return iter(list(self._by_fence.values()))

    def __len__(self) -> int:
        return len(self._by_fence)

    def add(self, in_flight: InFlight) -> None:
        """Add a batch that was just claimed."""
        self._by_fence[in_flight.batch.fence] = in_flight

    def recheck(self, seconds: float) -> None:
        """Check batches again whose last check is longer ago than `seconds`."""
        now = time.monotonic()
        for in_flight in list(self._by_fence.values()):
            if now - in_flight.checked_at > seconds and not in_flight.stopped:
                self._recheck(in_flight)

    def release_waiting(self) -> None:
        """Make due again what was not offered to the transport, and will not be."""
        for in_flight in self:
            self._limiter.release_rows(in_flight.release_waiting())

    def remove_finished(self, current: InFlight | None = None) -> list[int]:
        """Remove the batches that are finished, other than the current one; return their fences."""
        fences = [
            in_flight.batch.fence
            for in_flight in self
            if in_flight.finished and in_flight is not current
        ]
        for fence in fences:
            del self._by_fence[fence]
        return fences

    def record(self) -> None:
        """Record the outcomes known so far."""
        for in_flight in self:
            self._recorder.record(in_flight)

    def drop(self, fences: Iterable[int]) -> None:
        """Drop the claims of batches that are finished."""
        for fence in fences:
            ledger.drop(fence)
            self._leases.unwatch(fence)

    def _recheck(self, in_flight: InFlight) -> None:
        with self._turn:
            suppressed = in_flight.recheck(clock.now())
            self._recorder.count(Delivery.State.SUPPRESSED, suppressed)
            rows = in_flight.release_waiting() if in_flight.stopped else ()
        self._limiter.release_rows(rows)
