"""Jobs that deliver events to webhooks."""

from digest.accounts import sessions
from digest.api import idempotency
from digest.core import clock, jobs
from digest.webhooks import delivering, statistics
from workers.task import job


@job(jobs.DELIVER_WEBHOOKS)
def deliver_webhooks() -> None:
    """Deliver what is due."""
    delivering.deliver_due()


@job(jobs.QUEUE_STATISTICS)
def queue_statistics() -> None:
    """Queue the numbers of issues that were sent a day or a week ago."""
    statistics.queue_due(clock.now())


@job(jobs.DELETE_OLD_WEBHOOK_DELIVERIES)
def delete_old_webhook_deliveries() -> None:
    """Delete old webhook deliveries, answers to API calls with an idempotency key, and sessions."""
    delivering.delete_old(clock.now())
    idempotency.delete_expired(clock.now())
    sessions.delete_expired(clock.now())
