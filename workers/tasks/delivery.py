"""Jobs of the delivery floor."""

from digest.core import clock, jobs
from digest.sending import archiving, planning, sweeping
from digest.subscribers import growth
from workers.task import job


@job(jobs.PLAN_ISSUES)
def plan_issues() -> None:
    """Lay down deliveries for issues that are built."""
    planning.plan_built()


@job(jobs.SWEEP_DELIVERIES)
def sweep_deliveries() -> None:
    """Pick up what was left lying."""
    sweeping.sweep(clock.now())


@job(jobs.PUT_AWAY)
def archive_deliveries() -> None:
    """Put away, for a few seconds, what is long done."""
    archiving.put_away(clock.now())


@job(jobs.COMPACT_GROWTH)
def compact_growth() -> None:
    """Draw together the counts of who joined and left."""
    growth.compact()
