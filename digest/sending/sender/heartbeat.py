"""Keeps leases while their sender lives, however long a single message takes."""

import time
from threading import Event, Lock, Thread
from typing import Self

import structlog
from django.conf import settings
from django.db import Error, connection

from digest.sending import ledger

log = structlog.get_logger(__name__)

# A clock that goes on while the machine sleeps, where there is one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Heartbeat:
    """Renews leases three times within their length, in a thread with its own connection."""

    def __init__(self) -> None:
        self._valid_until: dict[int, float] = {}  # by fence, in seconds of `now`
        self._lock = Lock()
        self._over = Event()
        self._thread = Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def watch(self, fence: int, claimed_at: float) -> None:
        """Renew the lease of a claim that was requested at `claimed_at` (seconds of `now`)."""
        with self._lock:
            self._valid_until[fence] = claimed_at + settings.DIGEST_LEASE_SECONDS

    def unwatch(self, fence: int) -> None:
        """Stop renewing a claim's lease."""
        with self._lock:
            self._valid_until.pop(fence, None)

    def holds(self, fence: int) -> bool:
        """Return whether the lease is certainly valid: we count it from before it was granted."""
        return now() < self._valid_until.get(fence, 0)

    def _beat(self) -> None:
        try:
            while not self._over.wait(settings.DIGEST_LEASE_SECONDS / 3):
                self._renew()
        finally:
            connection.close()

    def _renew(self) -> None:
        requested_at, fences = now(), list(self._valid_until)
        try:
            renewed = ledger.renew(fences) if fences else ()
        except Error as problem:
            # Without the database the lease runs out, which is the purpose of a lease.
            log.warning("leases not renewed", problem=str(problem))
            connection.close()
            return
        with self._lock:
            for fence in renewed:
                if fence in self._valid_until:
                    self._valid_until[fence] = requested_at + settings.DIGEST_LEASE_SECONDS


def now() -> float:
    """Return seconds on a clock that never goes back, and goes on while the machine sleeps."""
    return time.clock_gettime(_CLOCK)
