"""Jobs of the articles floor."""

from digest.articles import polling
from digest.connectors import catching_up, settling
from digest.core import clock, jobs
from digest.entitlements import registry
from workers.task import job


@job(jobs.POLL_SOURCES)
def poll_sources() -> None:
    """Poll the sources that are due."""
    polling.poll_due()


@job(jobs.RECEIVE_ARTICLES)
def receive_articles() -> None:
    """Settle what connections reported."""
    settling.settle_due()


@job(jobs.ASK_CONNECTIONS)
def ask_connections() -> None:
    """Ask connections for what they did not report, and delete what was settled long ago."""
    catching_up.catch_up_due(clock.now())
    settling.delete_old(clock.now())
    registry.delete_old(clock.now())
