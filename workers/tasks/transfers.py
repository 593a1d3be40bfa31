"""Jobs that bring in lists, and what comes from other services."""

from digest.core import clock, jobs
from digest.transfers import queue
from workers.task import job


@job(jobs.RUN_TRANSFERS)
def run_transfers() -> None:
    """Fetch, read or import what is due."""
    queue.run_due(clock.now())
