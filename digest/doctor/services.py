"""Whether Valkey, the workers and beat run."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import redis
from celery import Celery
from django.conf import settings

from digest.articles.models import Source
from digest.core import clock, jobs
from digest.core.findings import Finding, fail, ok, warn
from digest.installation import holds

MAX_DELAY = timedelta(minutes=15)  # of a due poll; after that nobody polls the source


def check_valkey(_now: datetime) -> Iterator[Finding]:
    """Valkey (or Redis) answers."""
    try:
        with redis.Redis.from_url(
            settings.DIGEST_REDIS_URL, socket_connect_timeout=2, socket_timeout=2
        ) as server:
            server.ping()
    except (redis.RedisError, OSError, ValueError) as problem:
        yield fail(f"Valkey cannot be used: {problem}", "Start it, or correct DIGEST_REDIS_URL.")
    else:
        yield ok("Valkey answers.")


def check_hold(_now: datetime) -> Iterator[Finding]:
    """Mail is not held."""
    if hold := holds.current():
        since = clock.format_moment(hold.began_at)
        yield fail(
            f"Mail is held since {since}: {hold.get_reason_display()}.",
            "Read `digest hold show`, then run `digest hold release --yes`.",
        )


def check_workers(_now: datetime) -> Iterator[Finding]:
    """Workers answer, and together they serve every queue."""
    app = Celery("digest-doctor", broker=settings.DIGEST_BROKER_URL, set_as_current=False)
    app.conf.update(settings.DIGEST_BROKER_OPTIONS)
    try:
        queues_by_worker = app.control.inspect(timeout=1.5).active_queues() or {}
    except Exception as problem:  # noqa: BLE001  kombu lets any of its transports' errors through
        yield fail(f"The workers cannot be reached: {problem}", "Repair Valkey first.")
        return
    if not queues_by_worker:
        yield fail("No worker answers.", "Start one with `digest worker`.")
        return
    served = {queue["name"] for queues in queues_by_worker.values() for queue in queues}
    count = len(queues_by_worker)
    yield ok(f"{count} worker{'s'[: count > 1]} answering.")
    if unserved := sorted({jobs.queue_of(name) for name in jobs.NAMES} - served):
        yield fail(
            f"No worker serves the queue {', '.join(unserved)}.",
            "Start one with `digest worker`, without --queues.",
        )


def check_beat(now: datetime) -> Iterator[Finding]:
    """Beat runs: no source has been due for long."""
    source = Source.polled().order_by("next_poll_at").first()
    if source is None:
        yield warn(
            "Without a source to poll nobody can tell whether beat runs.",
            "Add one with `digest source add URL --newsletter SLUG`.",
        )
    elif source.next_poll_at < now - MAX_DELAY:
        due_since = clock.format_moment(source.next_poll_at)
        yield fail(
            f"{source.url} has been due since {due_since}, and nothing polls it.",
            "Start beat with `digest beat`, and a worker.",
        )
    else:
        yield ok("Sources are polled when they are due: beat runs.")
