"""What any web page says of itself, for a card that links to it."""

from digest.articles import isolation
from digest.articles.parsing.inspection import Card
from digest.core import http
from digest.core.text import web_url

ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"


def fetch_card(address: str) -> Card:
    """Fetch a page and return its card; `https://` may be missing.

    Raises FetchError with the reason if it cannot be fetched, ParseError if it is not a page, and
    ParserUnavailableError.
    """
    address = address.strip()
    url = web_url(address if "://" in address else f"https://{address}")
    fetched = http.fetch(url or address, accept=ACCEPT)
    return isolation.parse_card(fetched.body, fetched.url, fetched.charset)
