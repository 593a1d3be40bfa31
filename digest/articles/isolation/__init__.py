"""Parses and cleans documents in a process of their own, under limits of the kernel.

A stranger's document can use any amount of time and memory, and no list of expensive inputs is
ever complete. So none is parsed here, but in a child (digest.core.isolation) that may use some
seconds and some memory for each document, and whose answers are plain JSON.

    parse_feed, parse_page    a document, cleaned
    inspect                   what a document is, for discovery
    parse_card                what a page says of itself
    clean_entry               one pushed article, cleaned
"""

from digest.articles.isolation.process import run_job
from digest.articles.isolation.wire import CARDS, DOCUMENTS, ENTRIES, INSPECTIONS, dump, load
from digest.articles.parsing.base import Document, Entry
from digest.articles.parsing.inspection import Card, Inspection

__all__ = ["clean_entry", "inspect", "parse_card", "parse_feed", "parse_page"]


def parse_feed(body: bytes, url: str = "", charset: str | None = None) -> Document:
    """Parse and clean a feed; `url` is its address, `charset` the one in the HTTP header.

    Raises ParseError, ParserKilledError if it exceeds a limit, or ParserUnavailableError.
    """
    return load(DOCUMENTS, run_job("feed", body, url=url, charset=charset))


def parse_page(body: bytes, url: str = "", charset: str | None = None) -> Document:
    """Parse and clean the article on an HTML page. Arguments and errors as in `parse_feed`."""
    return load(DOCUMENTS, run_job("page", body, url=url, charset=charset))


def inspect(body: bytes, url: str, charset: str | None = None) -> Inspection:
    """Return what a document is. Arguments and errors as in `parse_feed`."""
    return load(INSPECTIONS, run_job("inspect", body, url=url, charset=charset))


def parse_card(body: bytes, url: str, charset: str | None = None) -> Card:
    """Return what a page says of itself. Arguments and errors as in `parse_feed`."""
    return load(CARDS, run_job("card", body, url=url, charset=charset))


def clean_entry(entry: Entry) -> Entry:
    """Clean one entry. Raises ParserKilledError or ParserUnavailableError."""
    return load(ENTRIES, run_job("entry", dump(entry)))
