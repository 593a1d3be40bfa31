"""Writes outcomes to the ledger, a batch at a time, and waits for a database that is away."""

import time
from collections import Counter
from collections.abc import Collection, Sequence
from threading import Lock

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from digest.core import clock
from digest.installation import room
from digest.relays.retries import Outcome
from digest.sending import ledger
from digest.sending.claiming import Batch
from digest.sending.models import Delivery
from digest.sending.sender.in_flight import InFlight

log = structlog.get_logger(__name__)

PAUSE = 0.5  # seconds between two attempts to reach the database
DATABASE_UNAVAILABLE = (OperationalError, InterfaceError)


class Recorder:
    """Records outcomes, and counts deliveries by the state that they are in now.

    Outcomes are recorded in the ledger's thread, while the sender's own adds others to them.
    """

    def __init__(self) -> None:
        self.counts: dict[Delivery.State, int] = {}
        self._lock = Lock()

    def count(self, state: Delivery.State, deliveries: int) -> None:
        """Count deliveries that are in a state now."""
        if deliveries:
            with self._lock:
                self.counts[state] = self.counts.get(state, 0) + deliveries

    def record(self, in_flight: InFlight) -> None:
        """Record the outcomes of a batch that are known so far."""
        outcomes = list(in_flight.outcomes)
        if not outcomes:
            return
        recorded = _record(in_flight.batch, outcomes)
        del in_flight.outcomes[: len(outcomes)]  # not before they are certainly in the ledger
        states = Counter(outcome.state for key, outcome in outcomes if key in recorded)
        for state, deliveries in states.items():
            if state != Delivery.State.QUEUED:
                self.count(state, deliveries)
        if len(recorded) < len(outcomes):  # erased meanwhile, or swept while we were frozen
            log.warning("deliveries not ours any more", deliveries=len(outcomes) - len(recorded))


def _record(batch: Batch, outcomes: Sequence[tuple[int, Outcome]]) -> Collection[int]:
    """Record outcomes; without the database we could claim nothing else, so wait for it.

    What cannot be recorded in the end is in the journal, and a sweep records it. A full disk is
    reported at once, and waited for less long: somebody has to make room first.
    """
    start = time.monotonic()
    while True:
        try:
            return ledger.record(batch, outcomes, clock.now())
        except DATABASE_UNAVAILABLE as problem:
            connection.close()
            share = 8 if room.report_database(problem) else 2
            if time.monotonic() > start + settings.DIGEST_LEASE_SECONDS / share:
                raise
            time.sleep(PAUSE)
