"""Keeps the leases of what is in hand while their sender lives, however long one message takes."""

import time
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

import structlog
from django.conf import settings
from django.db import Error, connection

from digest.sending import ledger

log = structlog.get_logger(__name__)

# A clock that goes on while a machine sleeps, where there is one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Heartbeat:
    """Renews leases, three times a lease, from a thread with its own connection."""

    def __init__(self) -> None:
        self._held_until: dict[int, float] = {}  # by fence, on our own clock
        self._lock = Lock()
        self._over = Event()
        self._thread = Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def watch(self, fence: int, claimed_at: float) -> None:
        """Renew a claim that was asked for at `claimed_at` (of `now`) from here on."""
        with self._lock:
            self._held_until[fence] = claimed_at + settings.DIGEST_LEASE_SECONDS

    def forget(self, fence: int) -> None:
        """Renew a claim no more."""
        with self._lock:
            self._held_until.pop(fence, None)

    def held(self, fence: int) -> bool:
        """Say whether the lease holds for certain: by our clock it began before it was granted."""
        return now() < self._held_until.get(fence, 0)

    def _beat(self) -> None:
        try:
            while not self._over.wait(settings.DIGEST_LEASE_SECONDS / 3):
                self._renew()
        finally:
            connection.close()

    def _renew(self) -> None:
        asked_at, fences = now(), list(self._held_until)
        try:
            held = ledger.renew(fences) if fences else ()
        except Error as problem:
            # Without a database the lease runs out, and that is what leases are for.
            log.warning("leases not renewed", problem=str(problem))
            connection.close()
            return
        with self._lock:
            for fence in held:
                if fence in self._held_until:
                    self._held_until[fence] = asked_at + settings.DIGEST_LEASE_SECONDS


def now() -> float:
    """Return seconds on a clock that never goes back, and goes on while the machine sleeps."""
    return time.clock_gettime(_CLOCK)
