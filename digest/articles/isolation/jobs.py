"""What the parsing child does with a document. Used in the child only."""

from collections.abc import Callable

from digest.articles import cleaning, parsing
from digest.articles.errors import ParseError
from digest.articles.isolation.wire import ENTRIES, dump, load
from digest.articles.parsing import inspection
from digest.articles.parsing.dates import Dates


def warm_up() -> None:
    """Import what the parsers import late, so that the first document does not pay for it."""
    Dates().parse("30. Dezember 2020, 12:30 Uhr")


def feed(body: bytes, url: str, charset: str | None) -> bytes:
    """Parse and clean a feed."""
    return dump(cleaning.cleaned(parsing.parse_feed(body, url, charset)))


def page(body: bytes, url: str, charset: str | None) -> bytes:
    """Parse and clean an HTML page."""
    return dump(cleaning.cleaned(parsing.parse_page(body, url, charset)))


def inspect(body: bytes, url: str, charset: str | None) -> bytes:
    """Say what a document is."""
    return dump(inspection.inspect(body, url, charset))


def card(body: bytes, url: str, charset: str | None) -> bytes:
    """Read what a page says of itself."""
    return dump(inspection.parse_card(body, url, charset))


def entry(body: bytes) -> bytes:
    """Clean an entry."""
    return dump(cleaning.entry(load(ENTRIES, body)))


PROBLEM = ParseError
JOBS: dict[str, Callable[..., bytes]] = {
    "feed": feed,
    "page": page,
    "inspect": inspect,
    "card": card,
    "entry": entry,
}
