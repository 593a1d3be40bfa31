"""Work at the same moment, as several workers do it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

Result = TypeVar("Result")


def run_at_once(*works: Callable[[], Result]) -> list[Result]:
    """Run these at the same moment, each on a database connection of its own; return the results.

    Raises what a work raises, or TimeoutError after 20 seconds.
    """
    start = Barrier(len(works), timeout=10)

    def run(work: Callable[[], Result]) -> Result:
        try:
            start.wait()
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(timeout=20) for future in [pool.submit(run, work) for work in works]]
