"""Jobs that tell other programs what happened."""

from digest.api import idempotency
from digest.core import clock, jobs
from digest.webhooks import delivering
from workers.task import job


@job(jobs.TELL_HOOKS)
def deliver_webhooks() -> None:
    """Tell what is due."""
    delivering.tell_due()


@job(jobs.FORGET_TOLD)
def delete_old_webhook_deliveries() -> None:
    """Forget what was told, and what calls were answered, long ago."""
    delivering.forget_old(clock.now())
    idempotency.forget_old(clock.now())
