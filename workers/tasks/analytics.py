"""Jobs that count clicks, and what follows from them."""

from digest.analytics import judging, popularity, retention
from digest.analytics.experiments import deciding
from digest.analytics.site import collecting
from digest.core import clock, jobs
from workers.task import job


@job(jobs.JUDGE_HITS)
def judge_hits() -> None:
    """Judge the hits that are due, and add them to the totals."""
    judging.judge_due(clock.now())


@job(jobs.DELETE_OLD_HITS)
def delete_old_hits() -> None:
    """Delete hits and salts that are too old."""
    retention.delete_old(clock.now())


@job(jobs.DECIDE_EXPERIMENTS)
def decide_experiments() -> None:
    """Decide the experiments whose time has come."""
    deciding.decide_due(clock.now())


@job(jobs.REFRESH_POPULARITY)
def refresh_popularity() -> None:
    """Compute the popularity of articles."""
    popularity.refresh_all(clock.now())


@job(jobs.COLLECT_PAGE_VIEWS)
def collect_page_views() -> None:
    """Fetch page views from the sites' analytics that are due."""
    collecting.collect_due(clock.now())
