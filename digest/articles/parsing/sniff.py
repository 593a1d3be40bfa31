"""Tells formats apart by how a document begins: Content-Type headers are wrong too often."""

import re
from typing import Literal

Form = Literal["xml", "json", "html", "empty", "other"]

_HEAD = 20_000
_SKIP = re.compile(r"(?:\s+|\ufeff|<\?[^>]*>|<!--.*?-->)*", re.DOTALL)
_FEED = re.compile(r"<(?:[\w.-]{1,30}:)?(?:rss|feed|rdf)\b", re.IGNORECASE)
_ENTRY = re.compile(r"<(?:[\w.-]{1,30}:)?entry\b", re.IGNORECASE)
_PAGE = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_HTML = re.compile(
    r"<(?:!doctype\s+html|html|head|body|meta|title|article|main|div|p|h1|script|link)\b",
    re.IGNORECASE,
)
_NEITHER = re.compile(r"<(?:opml|svg|urlset|sitemapindex)\b", re.IGNORECASE)


def sniff(text: str) -> Form:
    """Return what a document is: a feed in XML, JSON, an HTML page, empty, or something else."""
    head = text[:_HEAD]
    start = head[_SKIP.match(head).end() :]  # type: ignore[union-attr]  # it matches an empty string too
    if not start:
        return "empty"
    if start.startswith(("{", "[")):
        return "json"
    feed, page = _FEED.search(start), _PAGE.search(start)
    if feed and (not page or feed.start() < page.start()):
        return "xml"  # also behind a server's notes, which are often HTML
    if _ENTRY.match(start):
        return "xml"
    if _HTML.match(start):
        return "html"
    return "html" if _HTML.search(start) and not _NEITHER.search(start) else "other"
