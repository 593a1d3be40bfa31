"""Jobs that send issues."""

from digest.core import jobs
from digest.sending import sender
from workers.task import job


@job(jobs.SEND_DELIVERIES)
def send_deliveries() -> None:
    """Send what is due."""
    sender.send_due()
