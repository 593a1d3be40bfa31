"""Jobs of the editions floor."""

from digest.core import jobs
from digest.editions import building
from workers.task import job


@job(jobs.BUILD_EDITIONS)
def build_editions() -> None:
    """Build the editions whose slots have come."""
    building.build_due()
