"""Jobs that read mailboxes of other servers, which may be slow."""

from digest.bounces.mailboxes import polling
from digest.core import jobs
from workers.task import job


@job(jobs.POLL_MAILBOXES)
def poll_mailboxes() -> None:
    """Poll the mailboxes that are due."""
    polling.poll_due()
