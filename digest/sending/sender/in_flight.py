"""One claimed batch in a sender, by how far each of its deliveries has got."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from digest.relays.retries import Outcome
from digest.sending import ledger
from digest.sending.claiming import Batch, ClaimedDelivery
from digest.sending.segmentation import Segmentation


@dataclass(slots=True)
class InFlight:
    """A claimed batch. Each delivery goes from waiting to offered to begun; then it is removed."""

    batch: Batch
    segmentation: Segmentation
    waiting: deque[ClaimedDelivery]  # not offered to the transport yet
    outcomes: list[tuple[int, Outcome]]  # not in the ledger yet
    claimed_at: float  # time.monotonic()
    checked_at: float  # time.monotonic()
    stopped: bool = False  # the issue is not sending any more, or the claim is not ours any more
    offered: dict[int, ClaimedDelivery] = field(default_factory=dict)  # to the transport
    begun: dict[int, ClaimedDelivery] = field(default_factory=dict)  # the relay may have it
    denied: set[int] = field(default_factory=set)  # offered, and may not go out any more

    @property
    def finished(self) -> bool:
        """Nothing is left to be sent or recorded."""
        return not (self.waiting or self.offered or self.begun or self.outcomes)

    def remove(self, key: int) -> ClaimedDelivery:
        """Remove and return a delivery that the transport is done with."""
        self.denied.discard(key)
        return self.offered.pop(key, None) or self.begun.pop(key)

    def recheck(self, now: datetime) -> int:
        """Check that what is not begun may still go out; return how many were suppressed."""
        result = ledger.recheck(self.batch, [*self.waiting, *self.offered.values()], now)
        self.checked_at = time.monotonic()
        self.stopped = not (result.is_sending and result.is_ours)
        if not self.stopped:
            self.waiting = deque(row for row in self.waiting if row.id in result.sendable)
            self.denied.update(self.offered.keys() - result.sendable)
        return result.suppressed

    def release_waiting(self) -> Sequence[ClaimedDelivery]:
        """Make due again what was not offered; return it."""
        rows = list(self.waiting)
        if rows:
            ledger.release(self.batch, [row.id for row in rows])
            self.waiting.clear()
        return rows
