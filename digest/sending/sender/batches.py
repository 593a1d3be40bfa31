"""All batches that one sender has in flight: checked every second, recorded, and dropped."""

import time
from collections.abc import Iterator

from digest.core import clock
from digest.relays.rate_limits import RateLimiter
from digest.sending import ledger
from digest.sending.models import Delivery
from digest.sending.sender.heartbeat import Heartbeat
from digest.sending.sender.in_flight import InFlight
from digest.sending.sender.recorder import Recorder


class Batches:
    """The batches in flight, by fence."""

    def __init__(self, recorder: Recorder, leases: Heartbeat, limiter: RateLimiter) -> None:
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
        """Make due again what was not offered to the transport."""
        for in_flight in self:
            self._release(in_flight)

    def record(self, current: InFlight | None) -> None:
        """Record the outcomes known so far; drop finished batches other than the current one."""
        for in_flight in self:
            self._recorder.record(in_flight)
            if in_flight.finished and in_flight is not current:
                self._drop(in_flight)

    def _recheck(self, in_flight: InFlight) -> None:
        suppressed = in_flight.recheck(clock.now())
        self._recorder.count(Delivery.State.SUPPRESSED, suppressed)
        if in_flight.stopped:
            self._release(in_flight)

    def _release(self, in_flight: InFlight) -> None:
        if in_flight.waiting:
            self._limiter.release_rows(in_flight.release_waiting())

    def _drop(self, in_flight: InFlight) -> None:
        ledger.drop(in_flight.batch.fence)
        self._leases.unwatch(in_flight.batch.fence)
        del self._by_fence[in_flight.batch.fence]
