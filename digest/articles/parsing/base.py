"""What every format is parsed into."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

# Of longer documents only the newest entries are kept (see `newest`). Publishers' feeds hold 10 to
# 150; a thousand times that is an archive or an attack, and neither belongs in a digest.
MOST_ENTRIES = 500

Format = Literal["rss", "atom", "json", "page", "pushed"]


@dataclass(frozen=True, slots=True)
class Image:
    """An article's lead image; all blank when there is none."""

    url: str = ""
    alt: str = ""
    caption: str = ""
    credit: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One article as a document carries it.

    A parser gives `title` and `summary` as HTML or text, `body_html` as the publisher wrote it with
    absolute URLs; `cleaning.cleaned` makes them safe. Times are aware and in UTC, or None.
    """

    guid: str = ""
    url: str = ""
    title: str = ""
    summary: str = ""
    body_html: str = ""
    byline: str = ""
    section: str = ""
    tags: tuple[str, ...] = ()
    language: str = ""
    published_at: datetime | None = None
    updated_at: datetime | None = None
    image: Image = field(default_factory=Image)


@dataclass(frozen=True, slots=True)
class Document:
    """A feed, or a page as a feed of one."""

    kind: Format
    title: str = ""
    site_url: str = ""
    language: str = ""
    entries: tuple[Entry, ...] = ()
    ttl: int = 0  # seconds that the publisher asks to wait between two visits


def newest(entries: list[Entry]) -> tuple[Entry, ...]:
    """Return at most MOST_ENTRIES of them, in document order.

    Where every entry is dated the newest are kept, whichever end they stand at; otherwise the
    first, as nearly every feed begins with its newest.
    """
    if len(entries) <= MOST_ENTRIES:
        return tuple(entries)
    dated = [entry.published_at for entry in entries if entry.published_at]
    if len(dated) < len(entries):
        return tuple(entries[:MOST_ENTRIES])
    order = sorted(range(len(entries)), key=dated.__getitem__, reverse=True)
    return tuple(entries[n] for n in sorted(order[:MOST_ENTRIES]))
