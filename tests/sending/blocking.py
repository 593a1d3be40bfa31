"""Transactions that another session waits for."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

from django.db import connection, transaction


def hold_up_others(pool: ThreadPoolExecutor, work: Callable[[], object]) -> Future[None]:
    """Start work in a transaction that ends once another session waits for it.

    Returns when the work is done and the transaction still open.
    """
    worked = Event()

    def run() -> None:
        try:
            with transaction.atomic():
                work()
                worked.set()
                wait_until_blocked()
        finally:
            connection.close()

    running = pool.submit(run)
    assert worked.wait(10)
    return running


def wait_until_blocked() -> None:
    """Wait until another session waits for a lock of this one."""
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")
