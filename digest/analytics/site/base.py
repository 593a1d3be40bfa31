"""What an adapter of site analytics takes and returns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nlargest
from math import isfinite
from typing import Any, NamedTuple, Protocol
from urllib.parse import urljoin

MOST_PAGES = 10_000  # of a site, those with most views
PAGES_AT_ONCE = 1_000  # in one answer
MOST_VIEWS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Account:
    """Where a site's analytics are, and who we are there; each kind uses some of the fields."""

    site_url: str  # of the publication: paths are below its host
    address: str  # of the installation or the feed
    site: str  # what the software calls the site: a domain, an id, a property
    username: str
    secret: str = field(repr=False)

    def endpoint(self, path: str) -> str:
        """Return an address below that of the installation."""
        return f"{self.address.rstrip('/')}/{path}"

    def page(self, address: str, views: Any, seconds: Any = None) -> "PageViews":
        """Return the views of a page that analytics name by its address, or by its path.

        Raises ValueError, TypeError or OverflowError for what is not a number.
        """
        url = urljoin(self.site_url, address) if address.startswith("/") else address
        return PageViews(url, max(0, min(MOST_VIEWS, int(float(views)))), _seconds(seconds))


class Period(NamedTuple):
    """The days whose views are counted, in the publication's time zone; the last one until now.

    Analytics that are asked for dates take them in the zone of the site. Where that is another one,
    the days differ by its hours.
    """

    start: datetime
    end: datetime

    @property
    def days(self) -> tuple[str, str]:
        """Return the first and the last day, as ISO 8601 writes them."""
        return f"{self.start:%Y-%m-%d}", f"{self.end:%Y-%m-%d}"


class PageViews(NamedTuple):
    """How often one address was opened."""

    url: str
    views: int
    seconds: float | None = None  # that a visit lasts on average; None: not known


class Service(Protocol):
    """A service on the web that is asked for numbers."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def address(self) -> str:
        """Return the usual address; empty where it has to be given."""
        ...


class Adapter(Service, Protocol):
    """One kind of site analytics."""

    @property
    def fields(self) -> Mapping[str, tuple[str, str]]:
        """Return label and hint of the fields of Account that it needs, by their names."""
        ...

    def page_views(self, account: Account, period: Period) -> list[PageViews]:
        """Return the pages with most views, at most MOST_PAGES; raise SiteAnalyticsError."""
        ...


def read_in_turn(request_part: Callable[[int], Sequence[Any]]) -> list[Any]:
    """Return the rows of several answers, at most MOST_PAGES.

    `request_part` returns at most PAGES_AT_ONCE rows, from the one with that number on. An answer
    that has fewer is the last, and so is one that repeats the first: its server does not count.
    """
    rows: list[Any] = []
    while len(rows) < MOST_PAGES:
        answer = request_part(len(rows))
        if rows and answer[:1] == rows[:1]:
            break
        rows += answer
        if len(answer) < PAGES_AT_ONCE:
            break
    return rows


def most_viewed(pages: Iterable[PageViews]) -> list[PageViews]:
    """Return the pages with most views, whatever number was asked for."""
    return nlargest(MOST_PAGES, pages, key=lambda page: page.views)


def _seconds(value: Any) -> float | None:
    """Return a time that is above zero, None for any other; raise ValueError for what is none."""
    time = float(value or 0)
    return time if isfinite(time) and time > 0 else None
