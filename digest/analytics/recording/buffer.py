"""Hits of a process that wait to be written: a thread writes them in batches."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

import structlog
from django.db import InterfaceError, OperationalError, connection

from digest.analytics.recording.hits import NewHit

EVERY = 0.5  # seconds between two batches
MOST_WAITING = 200_000  # hits, some 100 MB; what comes beyond them is dropped
BATCH = 5_000  # hits written in one transaction
STOP_SECONDS = 5.0

Write = Callable[[Sequence[NewHit], list[int]], None]
log = structlog.get_logger(__name__)


class Recorder:
    """Takes hits from any thread without waiting, and writes them with `write`.

    `write` gets a batch and a list that it fills with the ids of its rows. When PostgreSQL goes
    away it is called again with the same two, so that no hit is written twice.
    """

    def __init__(self, write: Write, most_waiting: int = MOST_WAITING) -> None:
        self._write = write
        self._most_waiting = most_waiting
        self._hits: deque[NewHit] = deque()
        self._batch: list[NewHit] = []  # taken, and not written yet
        self._ids: list[int] = []
        self._dropped = 0
        self._writing = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many hits are not written yet."""
        return len(self._hits) + len(self._batch)

    def record(self, hit: NewHit) -> None:
        """Take a hit; drop it when too many wait, which the log reports."""
        if len(self._hits) >= self._most_waiting:
            self._dropped += 1
        else:
            self._hits.append(hit)

    def start(self) -> None:
        """Begin to write; to be called in the process that serves, after it was forked."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="hits", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Write what waits, then end; give up after some seconds."""
        if self._thread is None:
            return
        self._stopping.set()
        self._thread.join(seconds)
        self._thread = None
        if self.waiting:
            log.warning("hits lost", number=self.waiting)

    def flush(self) -> bool:
        """Write all that waits; return False if PostgreSQL is away and the hits have to wait."""
        with self._writing:
            self._report_dropped()
            while self._take():
                try:
                    self._write(self._batch, self._ids)
                except (OperationalError, InterfaceError) as problem:
                    log.warning("hits wait", number=self.waiting, problem=str(problem))
                    return False
                except Exception:
                    log.exception("hits lost", number=len(self._batch))
                self._batch, self._ids = [], []
        return True

    def _take(self) -> bool:
        """Take the next batch, unless there is one already; return whether there is one."""
        while self._hits and len(self._batch) < BATCH and not self._ids:
            self._batch.append(self._hits.popleft())
        return bool(self._batch)

    def _report_dropped(self) -> None:
        dropped, self._dropped = self._dropped, 0
        if dropped:
            log.error("hits dropped", number=dropped, limit=self._most_waiting)

    def _run(self) -> None:
        try:
            while not self._stopping.wait(EVERY):
                if not self.flush():
                    connection.close()
            self.flush()
        finally:
            connection.close()
