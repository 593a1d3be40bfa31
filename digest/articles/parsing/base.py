"""What every format is parsed into."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeVar

import structlog

# Of a longer document only the newest entries are kept (see `newest_entries`). A publisher's feed
# holds 10 to 150 entries; one with thousands is an archive or an attack.
MAX_ENTRIES = 500
MAX_READ = 1000  # items of a broken feed that are read one by one

log = structlog.get_logger(__name__)
Raw = TypeVar("Raw")

Format = Literal["rss", "atom", "json", "page", "pushed"]


@dataclass(frozen=True, slots=True)
class Image:
    """An article's lead image; all blank when there is none."""

    url: str = ""
    alt: str = ""
    caption: str = ""
    credit: str = ""


@dataclass(frozen=True, slots=True)
class Particulars:
    """What documents say of an article beside its texts. Times are aware and in UTC, or None."""

    url: str = ""
    byline: str = ""
    section: str = ""
    tags: tuple[str, ...] = ()
    language: str = ""
    published_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry(Particulars):
    """One article as a document carries it.

    `title` and `summary` are HTML or text, `body_html` is the publisher's HTML with absolute URLs:
    none of them is safe before `cleaning.cleaned`.
    """

    guid: str = ""
    title: str = ""
    summary: str = ""
    body_html: str = ""
    image: Image = field(default_factory=Image)


@dataclass(frozen=True, slots=True)
class Document:
    """A feed, or a page as a feed with one entry."""

    kind: Format
    title: str = ""
    site_url: str = ""
    new_url: str = ""  # where the feed says that it has moved to (itunes:new-feed-url)
    language: str = ""
    entries: tuple[Entry, ...] = ()
    ttl: int = 0  # seconds that the publisher asks to wait between two polls


def readable_entries(raw_entries: Iterable[Raw], read: Callable[[Raw], Entry]) -> list[Entry]:
    """Return what `read` makes of each raw entry; one that it fails on is left out, and logged.

    A feed is not lost for one of its articles.
    """
    entries = []
    for number, raw_entry in enumerate(raw_entries):
        try:
            entries.append(read(raw_entry))
        except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as problem:
            log.warning("entry left out", number=number, problem=repr(problem)[:200])
    return entries


def newest_entries(entries: list[Entry]) -> tuple[Entry, ...]:
    """Return at most MAX_ENTRIES entries, in document order.

    If every entry has a date, the newest ones are kept. Otherwise the first ones are kept, because
    nearly every feed begins with its newest.
    """
    if len(entries) <= MAX_ENTRIES:
        return tuple(entries)
    dates = [entry.published_at for entry in entries if entry.published_at]
    if len(dates) < len(entries):
        return tuple(entries[:MAX_ENTRIES])
    order = sorted(range(len(entries)), key=dates.__getitem__, reverse=True)
    return tuple(entries[n] for n in sorted(order[:MAX_ENTRIES]))
