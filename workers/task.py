"""A task under the name of a job, which ends in one clear line when a service is away.

One that sends does nothing while mail is held.

Each has a time limit: Celery stops it after that, and kills its process a minute later. What it had
claimed is covered by leases.
"""

from collections.abc import Callable
from functools import wraps

import structlog
from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections

from digest.core import clock, jobs
from digest.core.errors import DigestError
from digest.installation import holds, room

SECONDS = 30 * 60  # far more than any job needs
LIMITS = {
    jobs.FETCH_PICTURES: 10 * 60,  # fetching, fetching.BUDGET, and a busy machine
    jobs.POLL_SOURCES: 5 * 60,  # fetching, polling.BUDGET, and a document on a busy machine
    jobs.PLAN_ISSUES: 2 * 60 * 60,  # millions of subscribers
    jobs.SEND_DELIVERIES: int(settings.DIGEST_SEND_SECONDS) + 30 * 60,  # and the last replies
}
GRACE = 60  # seconds between the two limits

log = structlog.get_logger(__name__)


def limit(name: str) -> int:
    """Return how many seconds a job may take before it is stopped."""
    return LIMITS.get(name, SECONDS)


def job(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function as the task that does the job `name`."""

    def register(work: Callable[[], None]) -> Callable[[], None]:
        @wraps(work)
        def run() -> None:
            try:
                if name in holds.HELD_JOBS and holds.check(clock.now()):
                    return
                work()
            except (OperationalError, InterfaceError) as problem:
                # The next tick tries again; leases cover what was in flight.
                room.report_database(problem)
                log.error("database away", job=name, problem=str(problem).strip())  # noqa: TRY400
                close_old_connections()
            except SoftTimeLimitExceeded:
                log.error("job stopped, it took too long", job=name, seconds=limit(name))  # noqa: TRY400
                close_old_connections()
            except DigestError as problem:
                log.error("job not done", job=name, problem=str(problem))  # noqa: TRY400

        registered: Callable[[], None] = shared_task(
            name=name, soft_time_limit=limit(name), time_limit=limit(name) + GRACE
        )(run)
        return registered

    return register
