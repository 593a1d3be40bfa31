"""What an adapter of site analytics takes and returns, and what all of them share."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import nlargest
from math import isfinite
from typing import Any, NamedTuple, Protocol
from urllib.parse import urljoin, urlsplit

from digest.analytics.errors import AnalyticsError
from digest.core.http.calling import call
from digest.core.http.errors import FetchError

MOST_PAGES = 1_000
MOST_VIEWS = 1_000_000_000
_REFUSED = {401, 403}
_REDIRECTS = range(300, 400)
_LONGEST_WAIT = timedelta(days=1)


class SiteAnalyticsError(AnalyticsError):
    """Site analytics cannot be reached or read; says what to check."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where a site's analytics are, and who we are there; each kind uses some of the fields."""

    site_url: str  # of the publication: paths are below its host
    address: str  # of the installation or the feed
    site: str  # what the software calls the site: a domain, an id, a property
    username: str
    secret: str = field(repr=False)


class Period(NamedTuple):
    """The days whose views are counted, in the publication's time zone.

    Analytics that are asked for dates take them in the zone of the site. Where that is another one,
    the days differ by its hours.
    """

    start: datetime
    end: datetime


class PageViews(NamedTuple):
    """How often one address was opened."""

    url: str
    views: int
    seconds: float | None = None  # that a visit lasts on average; None: not known


class Adapter(Protocol):
    """One kind of site analytics."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def address(self) -> str:
        """Return the usual address; empty where it has to be given."""
        ...

    @property
    def fields(self) -> Mapping[str, tuple[str, str]]:
        """Return label and hint of the fields of Account that it needs, by their names."""
        ...

    def page_views(self, account: Account, period: Period) -> list[PageViews]:
        """Return the pages with most views, at most MOST_PAGES; raise SiteAnalyticsError."""
        ...


def request_json(
    name: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Any:
    """Return the JSON that an API answers; raise SiteAnalyticsError that says what to check."""
    try:
        answer = call(url, headers=headers, body=body)
    except FetchError as problem:
        raise SiteAnalyticsError(_explain(name, problem)) from problem
    return parse_json(name, answer.body)


def parse_json(name: str, body: bytes) -> Any:
    """Return the JSON of an answer; raise SiteAnalyticsError for anything else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise SiteAnalyticsError(
            f"{name} did not answer in JSON. Check the address: it may be of a page for people."
        ) from problem


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what an unexpected answer causes into a SiteAnalyticsError."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as problem:
        raise SiteAnalyticsError(
            f"{name} answered in a form that is not known. Check its version and the site."
        ) from problem


def count(value: Any) -> int:
    """Return a number of views; raise ValueError or TypeError for what is none."""
    return max(0, min(MOST_VIEWS, int(float(value))))


def most_viewed(pages: Iterable[PageViews]) -> list[PageViews]:
    """Return the pages with most views, whatever number was asked for."""
    return nlargest(MOST_PAGES, pages, key=lambda page: page.views)


def seconds(value: Any) -> float | None:
    """Return a time that is above zero, None for any other; raise ValueError for what is none."""
    time = float(value or 0)
    return time if isfinite(time) and time > 0 else None


def page_url(account: Account, path: str) -> str:
    """Return the address of a page that analytics name by its path."""
    return urljoin(account.site_url, path) if path.startswith("/") else path


def endpoint(account: Account, path: str) -> str:
    """Return an address below that of the installation."""
    return f"{account.address.rstrip('/')}/{path}"


def retry_after(problem: BaseException) -> timedelta:
    """Return how long an API asked us to wait; nothing where it did not say."""
    cause = problem.__cause__
    wait = cause.retry_after if isinstance(cause, FetchError) else None
    return timedelta(seconds=min(wait or 0, _LONGEST_WAIT.total_seconds()))


def is_status(problem: SiteAnalyticsError, status: int) -> bool:
    """Say whether an API answered with this status."""
    return isinstance(problem.__cause__, FetchError) and problem.__cause__.status == status


def _explain(name: str, problem: FetchError) -> str:
    host = urlsplit(problem.url).netloc.rpartition("@")[2]
    if problem.status in _REFUSED:
        return f"{name} at {host} refused our key ({problem.status}). Check key, user and site."
    if problem.status == 404:
        return f"{name} at {host} knows no such address or site (404). Check both."
    if problem.status == 429:
        return f"{name} at {host} says that we ask too often (429). We wait as long as it says."
    if problem.status in _REDIRECTS:
        return (
            f"{name} at {host} redirects ({problem.status}). Enter the address that it leads to: "
            "keys are not sent to another one."
        )
    return f"{name}: {problem}"
