"""Jobs that count clicks, and what follows from them."""

from digest.analytics import popularity
from digest.core import clock, jobs
from workers.task import job


@job(jobs.REFRESH_POPULARITY)
def refresh_popularity() -> None:
    """Compute the popularity of articles."""
    popularity.refresh_all(clock.now())
