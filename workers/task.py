"""A task under the name of a job, which ends in one clear line when a service is away.

One that sends does nothing while mail is held.

Each has a time limit: Celery stops it after that, and kills its process a minute later. What it had
claimed is covered by leases.
"""

import time
import uuid
from collections.abc import Callable
from functools import wraps

import structlog
from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections
from structlog.contextvars import bound_contextvars

from digest.core import clock, jobs
from digest.core.errors import DigestError
from digest.core.telemetry import count, observe, traces
from digest.core.telemetry.metrics import JOB_SECONDS, JOBS
from digest.installation import holds, room

SECONDS = 30 * 60  # far more than any job needs
LIMITS = {
    jobs.FETCH_PICTURES: 10 * 60,  # fetching, fetching.BUDGET, and a busy machine
    jobs.POLL_SOURCES: 7 * 60,  # fetching, polling.BUDGET, and a document on a busy machine
    jobs.PLAN_ISSUES: 2 * 60 * 60,  # millions of subscribers
    jobs.RUN_TRANSFERS: 4 * 60 * 60,  # a service's API, page by page
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
            start, outcome, job_id = time.monotonic(), "failed", uuid.uuid4().hex[:12]
            try:
                with (
                    bound_contextvars(job=name, job_id=job_id),
                    traces.span(f"job {name}", {"job_id": job_id}) as span,
                ):
                    outcome = _do(name, work)
                    span.set_attributes({"outcome": outcome})
            finally:
                count(JOBS, name, outcome)
                observe(JOB_SECONDS, time.monotonic() - start, name)

        registered: Callable[[], None] = shared_task(
            name=name, soft_time_limit=limit(name), time_limit=limit(name) + GRACE
        )(run)
        return registered

    return register


def _do(name: str, work: Callable[[], None]) -> str:
    """Do a job; return how it ended, in a word. Raises what was not foreseen."""
    try:
        if name in holds.HELD_JOBS and holds.check(clock.now()):
            return "held"
        work()
    except (OperationalError, InterfaceError) as problem:
        # The next tick tries again; leases cover what was in flight.
        room.report_database(problem)
        log.error("database away", problem=str(problem).strip())  # noqa: TRY400
        close_old_connections()
    except SoftTimeLimitExceeded:
        log.error("job stopped, it took too long", seconds=limit(name))  # noqa: TRY400
        close_old_connections()
    except DigestError as problem:
        log.error("job not done", problem=str(problem))  # noqa: TRY400
    else:
        return "done"
    return "failed"
