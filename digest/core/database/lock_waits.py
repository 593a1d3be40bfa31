"""Migrate without keeping others waiting: a statement gives up its lock soon, and tries again.

Whoever needs a table queues behind a statement that waits for a lock on it (an ALTER TABLE behind a
dump, say), so a migration that waits for a minute stops all mail for a minute. Here it waits for
half a second, lets the others pass, and tries again.

Within a transaction the locks of earlier statements would be held meanwhile, so there the whole
migration is undone and tried again; elsewhere only the statement. An index that is built
CONCURRENTLY may wait: nobody queues behind it.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.db import OperationalError, connection
from psycopg.errors import LockNotAvailable

from digest.core.backoff import Backoff
from digest.core.database.statements import execute, fetch_rows
from digest.core.errors import DigestError

log = structlog.get_logger(__name__)

LOCK_MILLISECONDS = 500  # that others may have to queue behind a statement
PATIENCE = 600.0  # seconds until a migration gives up
BACKOFF = Backoff.doubling(timedelta(seconds=0.5), timedelta(seconds=8))


class TableBusyError(DigestError):
    """A table is held by a transaction that does not end."""


def run_patiently(work: Callable[[], object], patience: float = PATIENCE) -> None:
    """Run migrations until they have all their locks.

    What is done is not done again: Django goes on with the first migration that has not been run.
    Raises TableBusyError after `patience` seconds, with the transactions that were in the way.
    """
    attempts = _Attempts(time.monotonic() + patience)
    with connection.execute_wrapper(attempts.execute):
        _set_lock_timeout(f"{LOCK_MILLISECONDS}ms")
        try:
            attempts.run(work)
        finally:
            _set_lock_timeout("DEFAULT")


class _Attempts:
    """Statements and migrations that are tried until a moment (time.monotonic())."""

    def __init__(self, until: float) -> None:
        self._until = until

    def run(self, work: Callable[[], Any]) -> Any:
        """Return what some work returns, once it has its locks."""
        failures = 0
        while True:
            try:
                return work()
            except OperationalError as problem:
                if not isinstance(problem.__cause__, LockNotAvailable):
                    raise
                failures += 1
                self._wait(failures)

    def execute(
        self,
        execute: Callable[..., Any],
        sql: Any,
        params: Any,
        many: bool,  # noqa: FBT001  Django's
        context: dict[str, Any],
    ) -> Any:
        """Execute a statement; outside of transactions, as often as it takes."""

        def run() -> Any:
            return execute(sql, params, many, context)

        if connection.in_atomic_block:
            return run()
        if "CONCURRENTLY" not in str(sql).upper():
            return self.run(run)
        _set_lock_timeout("0")
        try:
            return run()
        finally:
            _set_lock_timeout(f"{LOCK_MILLISECONDS}ms")

    def _wait(self, failures: int) -> None:
        seconds = BACKOFF.wait(failures).total_seconds()
        blockers = _oldest_transactions()
        if time.monotonic() + seconds > self._until:
            raise TableBusyError(
                f"A table cannot be changed, because it is in use: {blockers}. Wait for what uses "
                "it or end it with pg_terminate_backend(PID), then run `digest migrate` again."
            )
        log.warning("waiting for a lock", attempt=failures, in_the_way=blockers)
        time.sleep(seconds)


def _set_lock_timeout(value: str) -> None:
    execute(f"SET lock_timeout TO {value if value == 'DEFAULT' else repr(value)}")


def _oldest_transactions() -> str:
    """Return the three oldest transactions of others: pid, process, how long."""
    rows = fetch_rows(_OLDEST)
    descriptions = (f"{name} (PID {pid}, {seconds} s)" for pid, name, seconds in rows)
    return ", ".join(descriptions) or "unknown"


_OLDEST = """
SELECT pid, coalesce(nullif(application_name, ''), 'unnamed'),
       extract(epoch FROM clock_timestamp() - xact_start)::int
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
ORDER BY xact_start LIMIT 3
"""
