"""Says what a document is: a feed, a page that names feeds, an article. For discovery."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from digest.articles import cleaning, parsing
from digest.articles.errors import ParseError
from digest.articles.parsing import metadata, page
from digest.articles.parsing.base import Document
from digest.articles.parsing.charset import decode
from digest.articles.parsing.sniff import sniff

FEED_TYPES = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml",
     "application/json", "text/xml", "application/xml"}
)  # fmt: skip
MAX_LINKS = 3  # feeds of a page that are tried

_COMMENTS = re.compile(r"comment|kommentar|reply|replies", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a document is. `document` is cleaned; without one, `problem` says why."""

    is_page: bool = False
    is_article: bool = False  # a page that declares itself to be one
    document: Document | None = None
    problem: str = ""
    feeds: tuple[str, ...] = ()  # addresses that a page names in its head, comment feeds last


def inspect(body: bytes, url: str, charset: str | None = None) -> Inspection:
    """Return what a document at an address is; a site's front page is never read as an article."""
    text = decode(body, charset)
    if sniff(text) != "html":
        document, problem = _read(lambda: parsing.parse_feed(body, url, charset))
        return Inspection(document=document, problem=problem)
    tree = page.parse_tree(text)
    feeds = tuple(_named_feeds(tree, url))
    is_article = metadata.read_metadata(tree).is_article
    if urlsplit(url).path in {"", "/"}:
        return Inspection(is_page=True, feeds=feeds)
    document, problem = _read(lambda: page.parse(text, url))
    return Inspection(
        is_page=True,
        is_article=is_article and document is not None,
        document=document,
        problem=problem,
        feeds=feeds,
    )


def _read(parse: Callable[[], Document]) -> tuple[Document | None, str]:
    try:
        return cleaning.cleaned(parse()), ""
    except ParseError as problem:
        return None, str(problem)


def _named_feeds(tree: HtmlElement, base: str) -> Iterator[str]:
    links = [
        link
        for link in tree.iter("link")
        if "alternate" in link.get("rel", "").lower().split()
        and link.get("type", "").partition(";")[0].strip().lower() in FEED_TYPES
        and link.get("href")
    ]
    links.sort(key=lambda link: bool(_COMMENTS.search(f"{link.get('title')} {link.get('href')}")))
    root = next((e.get("href", "") for e in tree.iter("base")), "")
    for link in links[:MAX_LINKS]:
        with suppress(ValueError):
            yield urljoin(urljoin(base, root), link.get("href", "").strip())
