"""One module for each form an article comes in; bytes in, plain entries out, network off."""

from digest.articles.errors import ParseError
from digest.articles.parsing import feed, jsonfeed, page
from digest.articles.parsing.base import Document, Entry, Image
from digest.articles.parsing.charset import decode
from digest.articles.parsing.sniff import sniff

__all__ = ["Document", "Entry", "Image", "parse_feed", "parse_page"]


def parse_feed(body: bytes, url: str = "", charset: str | None = None) -> Document:
    """Parse a feed of any format, told by its content; `url` is the address it came from.

    `charset` is what the HTTP header said. Raises ParseError saying what came instead.
    """
    text = decode(body, charset)
    form = sniff(text)
    if form == "xml":
        return feed.parse(text, url)
    if form == "json":
        return jsonfeed.parse(text, url)
    if form == "html":
        raise ParseError(
            f"{url or 'This'} is a web page ({_named(text)}), not a feed. "
            "Use the feed's own address."
        )
    if form == "empty":
        raise ParseError(f"{url or 'The answer'} is empty; a feed was expected.")
    raise ParseError(f"{url or 'This'} is no feed. It begins with {text.strip()[:60]!r}.")


def parse_page(body: bytes, url: str = "", charset: str | None = None) -> Document:
    """Parse an HTML page as the one article on it. Raises ParseError if there is none."""
    text = decode(body, charset)
    form = sniff(text)
    if form == "empty":
        raise ParseError(f"{url or 'The answer'} is empty; an article was expected.")
    if form != "html":
        raise ParseError(f"{url or 'This'} is no web page. It begins with {text.strip()[:60]!r}.")
    return page.parse(text, url)


def _named(text: str) -> str:
    name = page.title_of(text)
    return f"“{name}”" if name else "untitled"
