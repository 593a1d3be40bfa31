"""Jobs that hand mail over."""

from digest.core import jobs
from digest.delivery import sending
from workers.task import job


@job(jobs.SEND_DELIVERIES)
def send_deliveries() -> None:
    """Send what is due."""
    sending.send_due()
