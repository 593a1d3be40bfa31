"""Jobs of the issues floor."""

from digest.core import jobs
from digest.issues import building
from workers.task import job


@job(jobs.BUILD_ISSUES)
def build_issues() -> None:
    """Build the issues whose slots have come."""
    building.build_due()
