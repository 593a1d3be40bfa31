"""Jobs that plan deliveries, clean up behind senders, and settle what comes back."""

from digest.analytics.statistics import outcomes
from digest.bounces import refusals
from digest.bounces.drops import detecting
from digest.bounces.results import counting
from digest.bounces.sunset import asking
from digest.bulk import running
from digest.core import clock, jobs
from digest.entitlements import settling
from digest.installation import clocks, heartbeat
from digest.recovery.evidence import recording
from digest.sending import archiving, planning, sweeping
from digest.series import planning as series_planning
from digest.subscribers import growth
from workers.task import job


@job(jobs.BEAT)
def beat() -> None:
    """Count the time that passes, in the database and outside it; compare the clocks."""
    clocks.compare_clocks()
    heartbeat.beat(clock.now())


@job(jobs.RECORD_EVIDENCE)
def record_evidence() -> None:
    """Write outside the database who left, who was suppressed, and what was sent."""
    recording.record_new(clock.now())


@job(jobs.PLAN_ISSUES)
def plan_issues() -> None:
    """Plan deliveries for issues that are built and due."""
    planning.plan_built()


@job(jobs.PLAN_SERIES)
def plan_series() -> None:
    """Plan deliveries of the steps of series that are due."""
    series_planning.plan_due()


@job(jobs.SWEEP_DELIVERIES)
def sweep_deliveries() -> None:
    """Complete what ended senders left behind, and finish issues."""
    sweeping.sweep(clock.now())


@job(jobs.SETTLE_REFUSALS)
def settle_refusals() -> None:
    """Settle what was refused while sending."""
    refusals.settle_due()


@job(jobs.COUNT_RESULTS)
def count_results() -> None:
    """Count the results of issues by recipient domain, and look for drops in them."""
    now = clock.now()
    detecting.detect(counting.count_recent(now), now)


@job(jobs.ARCHIVE_DELIVERIES)
def archive_deliveries() -> None:
    """Archive old deliveries for a few seconds."""
    archiving.archive_deliveries(clock.now())


@job(jobs.COMPACT_GROWTH)
def compact_growth() -> None:
    """Sum up the counts of who subscribed, unsubscribed and bounced."""
    growth.compact()
    outcomes.compact()


@job(jobs.ASK_INACTIVE)
def ask_inactive() -> None:
    """Ask inactive subscribers whether they want to stay, and pause those who did not answer."""
    asking.ask_due(clock.now())


@job(jobs.SETTLE_TIERS)
def settle_tiers() -> None:
    """Set the tiers of everybody who pays, where rules have changed."""
    settling.settle_due()


@job(jobs.CHANGE_SUBSCRIBERS)
def change_subscribers() -> None:
    """Make and undo what editors confirmed for many subscribers."""
    running.run_due(clock.now())
