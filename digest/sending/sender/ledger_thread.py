"""The ledger's work of one sender, in a thread of its own: sockets do not wait for the database.

The thread uses the database connection of the thread that starts it, so a sender has one, and all
that is done over it is done in order. Whoever else needs it meanwhile holds `turn`.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Self, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

Result = TypeVar("Result")


class LedgerThread:
    """Does one piece of work after the other, each in its turn."""

    def __init__(self) -> None:
        self.turn = Lock()  # to use the database connection
        shared = connections[DEFAULT_DB_ALIAS]
        self._pool = ThreadPoolExecutor(1, "ledger", initializer=_adopt, initargs=(shared,))

    def __enter__(self) -> Self:
        connection.inc_thread_sharing()
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown()
        connection.dec_thread_sharing()

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Do some work as soon as what was submitted before is done."""
        return self._pool.submit(self._work, work)

    def _work(self, work: Callable[[], Result]) -> Result:
        with self.turn:
            return work()


def _adopt(shared: BaseDatabaseWrapper) -> None:
    """Let this thread use the connection of another one."""
    connections[DEFAULT_DB_ALIAS] = shared
