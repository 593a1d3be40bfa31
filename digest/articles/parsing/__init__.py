"""Parses documents into articles: one module for each format. Nothing here uses the network."""

from digest.articles.errors import ParseError
from digest.articles.parsing import feed, jsonfeed, page
from digest.articles.parsing.base import Document, Entry, Image
from digest.articles.parsing.charset import decode
from digest.articles.parsing.sniff import sniff

__all__ = ["Document", "Entry", "Image", "parse_feed", "parse_page"]


def parse_feed(body: bytes, url: str = "", charset: str | None = None) -> Document:
    """Parse a feed of any format; its content decides which. `url` is the address it came from.

    `charset` is the one in the HTTP header. Raises ParseError, which says what came instead.
    """
    text = decode(body, charset)
    form = sniff(text)
    if form == "xml":
        return feed.parse(text, url)
    if form == "json":
        return jsonfeed.parse(text, url)
    if form == "html":
        raise ParseError(
            f"{url or 'This'} is a web page ({_quote_title(text)}), not a feed. "
            "Use the feed's own address."
        )
    if form == "empty":
        raise ParseError(f"{url or 'The answer'} is empty; a feed was expected.")
    raise ParseError(f"{url or 'This'} is not a feed. It begins with {text.strip()[:60]!r}.")


def parse_page(body: bytes, url: str = "", charset: str | None = None) -> Document:
    """Parse an HTML page as the one article on it. Raises ParseError if there is none."""
    text = decode(body, charset)
    form = sniff(text)
    if form == "empty":
        raise ParseError(f"{url or 'The answer'} is empty; an article was expected.")
    if form != "html":
        raise ParseError(
            f"{url or 'This'} is not a web page. It begins with {text.strip()[:60]!r}."
        )
    return page.parse(text, url)


def _quote_title(text: str) -> str:
    title = page.read_title(text)
    return f"“{title}”" if title else "untitled"
