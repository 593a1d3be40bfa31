"""Jobs that write to single readers."""

from digest.core import jobs
from digest.delivery import posting, signups
from workers.task import job


@job(jobs.SETTLE_SIGNUPS)
def settle_signups() -> None:
    """Settle the sign-ups that wait."""
    signups.settle_due()


@job(jobs.SEND_NOTICES)
def send_notices() -> None:
    """Send the notices that are due."""
    posting.send_due()
