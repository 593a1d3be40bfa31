"""Jobs that plan deliveries, and clean up behind senders."""

from digest.core import clock, jobs
from digest.sending import archiving, planning, sweeping
from digest.subscribers import growth
from workers.task import job


@job(jobs.PLAN_ISSUES)
def plan_issues() -> None:
    """Plan deliveries for issues that are built and due."""
    planning.plan_built()


@job(jobs.SWEEP_DELIVERIES)
def sweep_deliveries() -> None:
    """Complete what ended senders left behind, and finish issues."""
    sweeping.sweep(clock.now())


@job(jobs.ARCHIVE_DELIVERIES)
def archive_deliveries() -> None:
    """Archive old deliveries for a few seconds."""
    archiving.archive_deliveries(clock.now())


@job(jobs.COMPACT_GROWTH)
def compact_growth() -> None:
    """Sum up the counts of who subscribed and unsubscribed."""
    growth.compact()
