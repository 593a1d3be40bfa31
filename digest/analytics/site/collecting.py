"""Fetching page views: every hour, of yesterday and today, from each connection that is due."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import structlog

from digest.analytics import popularity
from digest.analytics.models import SiteConnection
from digest.analytics.site.base import PageViews, Period
from digest.analytics.site.connections import account_of
from digest.analytics.site.kinds import KINDS
from digest.analytics.site.requests import retry_after
from digest.articles import site_views
from digest.core import clock
from digest.core.backoff import Backoff
from digest.core.database import leases
from digest.core.errors import DigestError

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)
BACK = timedelta(days=1)  # the day before counts as well: in the morning, today says little
LEASE = timedelta(minutes=40)  # longer than the job that collects may take
MOST = 10  # connections of one call: each answer may take 20 seconds
EXAMPLES = 10  # addresses without an article, for people
_BACKOFF = Backoff.doubling(EVERY, timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was fetched, and how much of it belongs to articles."""

    pages: int
    matched: int
    timed: int  # pages whose reading time is known
    unknown: tuple[str, ...]  # examples of addresses that no article has


def collect_due(now: datetime) -> int:
    """Collect from connections that are due; return how many. Failures wait longer each.

    What one of them answers costs the others nothing: an answer that breaks us is logged.
    """
    due = SiteConnection.objects.filter(due_at__lte=now).order_by("due_at")
    rows = leases.postpone(due, now + LEASE, MOST, related=["publication"])
    for row in rows:
        try:
            collect(row, now)
        except DigestError as problem:
            log.warning("site analytics failed", kind=row.kind, problem=str(problem))
        except Exception:
            log.exception("site analytics failed", kind=row.kind)
    return len(rows)


def collect(connection: SiteConnection, now: datetime) -> Outcome:
    """Fetch page views and store them with the articles; compute the scores again.

    Raises SiteAnalyticsError or ConfigurationError, after the problem was stored.
    """
    try:
        pages = fetch(connection, now)
    except DigestError as problem:
        connection.failures += 1
        connection.problem = str(problem)
        connection.due_at = now + max(_BACKOFF.wait(connection.failures), retry_after(problem))
        connection.save(update_fields=["failures", "problem", "due_at"])
        raise
    outcome = _store(connection, pages, now)
    popularity.refresh(connection.publication, now)
    return outcome


def fetch(connection: SiteConnection, now: datetime) -> list[PageViews]:
    """Return the page views of a connection; nothing is stored."""
    adapter = KINDS[connection.kind]
    local = now.astimezone(clock.zone(connection.publication.timezone))
    start = datetime.combine(local.date() - BACK, time(), local.tzinfo)
    return adapter.page_views(account_of(connection), Period(start, local))


def _store(connection: SiteConnection, pages: Iterable[PageViews], now: datetime) -> Outcome:
    views, seconds = dict[str, int](), dict[str, float]()
    for page in pages:
        views[page.url] = views.get(page.url, 0) + page.views
        if page.seconds is not None:
            seconds[page.url] = page.seconds
    unknown = site_views.record_views(connection.publication_id, views, now, seconds)
    matched = len(views) - len(unknown)
    connection.failures, connection.problem = 0, ""
    connection.pages, connection.matched = len(views), matched
    connection.unknown = unknown[:EXAMPLES]
    connection.collected_at, connection.due_at = now, now + EVERY
    connection.save()
    return Outcome(len(views), matched, len(seconds), tuple(unknown[:EXAMPLES]))
