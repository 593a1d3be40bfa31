"""Jobs that write to single subscribers."""

from digest.core import clock, jobs
from digest.notices import retention, send
from digest.notifications import queueing
from digest.selfservice import signups
from digest.subscribers import address_change
from digest.subscribers.signups import forget_entered
from workers.task import job


@job(jobs.SETTLE_SIGNUPS)
def settle_signups() -> None:
    """Settle the sign-ups that wait."""
    signups.settle_due()


@job(jobs.SEND_NOTICES)
def send_notices() -> None:
    """Send the notices that are due."""
    send.send_due()


@job(jobs.DELETE_OLD_NOTICES)
def delete_old_notices() -> None:
    """Delete the notices that have been over for long, and what they asked in vain to confirm."""
    retention.delete_old(clock.now())
    forget_entered(clock.now())
    address_change.delete_unconfirmed(clock.now())


@job(jobs.NOTIFY_NEWSROOM)
def notify_newsroom() -> None:
    """Tell editors and webhooks of issues that wait, were skipped or failed, and the like."""
    queueing.queue_new(clock.now())
