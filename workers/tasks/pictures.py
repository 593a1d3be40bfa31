"""Jobs of the pictures floor."""

from digest.core import jobs
from digest.pictures import fetching
from workers.task import job


@job(jobs.FETCH_PICTURES)
def fetch_pictures() -> None:
    """Fetch the pictures that are due."""
    fetching.fetch_due()
