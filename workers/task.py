"""A task under the name of a job, which ends in one clear line when a service is away."""

from collections.abc import Callable
from functools import wraps

import structlog
from celery import shared_task
from django.db import InterfaceError, OperationalError, close_old_connections

from digest.core.errors import DigestError

log = structlog.get_logger(__name__)


def job(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function as the task that does the job `name`."""

    def register(work: Callable[[], None]) -> Callable[[], None]:
        @wraps(work)
        def run() -> None:
            try:
                work()
            except (OperationalError, InterfaceError) as problem:
                # The next tick tries again; leases cover what was in flight.
                log.error("database away", job=name, problem=str(problem).strip())  # noqa: TRY400
                close_old_connections()
            except DigestError as problem:
                log.error("job not done", job=name, problem=str(problem))  # noqa: TRY400

        registered: Callable[[], None] = shared_task(name=name)(run)
        return registered

    return register
