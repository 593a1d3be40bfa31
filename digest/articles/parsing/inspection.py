"""Says what a document is: a feed, a page that names feeds, an article; and what a page says."""

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
from digest.core.text import one_line, web_url

FEED_TYPES = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml",
     "application/json", "text/xml", "application/xml"}
)  # fmt: skip
MAX_LINKS = 3  # feeds of a page that are tried
LONGEST_LINE = 300  # characters of a card
LONGEST_TEXT = 600

_COMMENTS = re.compile(r"comment|kommentar|reply|replies", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a document is. `document` is cleaned; without one, `problem` says why."""

    is_page: bool = False
    is_article: bool = False  # a page that declares itself to be one
    document: Document | None = None
    problem: str = ""
    feeds: tuple[str, ...] = ()  # addresses that a page names in its head, comment feeds last


@dataclass(frozen=True, slots=True)
class Card:
    """A page as others link to it; what it does not say is blank."""

    url: str
    title: str
    description: str = ""
    site: str = ""
    image_url: str = ""


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


def parse_card(body: bytes, url: str, charset: str | None = None) -> Card:
    """Return the card of the page at an address. Raises ParseError if it is not a page."""
    text = decode(body, charset)
    if sniff(text) != "html":
        raise ParseError(f"{url} is not a web page, so it has no title. Write one yourself.")
    tree = page.parse_tree(text)
    details = metadata.read_metadata(tree)
    image = next((web_url(urljoin(url, name.strip())) for name in details.images), "")
    return Card(
        url=url,
        title=one_line(details.headline, LONGEST_LINE) or _title(tree.findtext(".//title"), url),
        description=one_line(details.description, LONGEST_TEXT),
        site=one_line(details.site, LONGEST_LINE) or _host(url),
        image_url=image,
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


def _title(title: str | None, url: str) -> str:
    return one_line(title or "", LONGEST_LINE) or _host(url)


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")
