"""Keeps the lease of the batch in hand while its sender lives, however long one message takes."""

from threading import Event, Thread
from types import TracebackType
from typing import Self

import structlog
from django.conf import settings
from django.db import Error, connection

from digest.delivery import ledger

log = structlog.get_logger(__name__)


class Heartbeat:
    """Renews the lease of `fence`, three times a lease, from a thread with its own connection."""

    def __init__(self) -> None:
        self.fence = 0
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

    def _beat(self) -> None:
        try:
            while not self._over.wait(settings.DIGEST_LEASE_SECONDS / 3):
                self._renew()
        finally:
            connection.close()

    def _renew(self) -> None:
        try:
            if self.fence:
                ledger.renew(self.fence)
        except Error as problem:
            # Without a database the lease runs out, and that is what leases are for.
            log.warning("lease not renewed", problem=str(problem))
            connection.close()
