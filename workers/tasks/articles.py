"""Jobs of the articles floor."""

from digest.articles import polling
from digest.core import jobs
from workers.task import job


@job(jobs.POLL_SOURCES)
def poll_sources() -> None:
    """Poll the sources that are due."""
    polling.poll_due()
