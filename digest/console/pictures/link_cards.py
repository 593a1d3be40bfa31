"""Fill a link card with what the page at its address says of itself."""

import structlog

from digest.accounts.models import User
from digest.articles import link_cards
from digest.core import clock, http
from digest.core.errors import DigestError
from digest.pictures import fetching, library

log = structlog.get_logger(__name__)


def fetch_content(publication_id: int, address: str, user: User) -> dict[str, str]:
    """Fetch a page; return the content of a block that links to it.

    Its picture goes into the publication's library. Raises DigestError if it cannot be fetched.
    """
    card = link_cards.fetch_card(address)
    return {
        "url": card.url,
        "title": card.title,
        "description": card.description,
        "site": card.site,
        "picture": _picture(publication_id, card.image_url, user),
    }


def _picture(publication_id: int, url: str, user: User) -> str:
    """Put the picture of a page into the library; return its uuid, empty if that cannot be."""
    if not url:
        return ""
    try:
        body = http.fetch(url, accept=fetching.ACCEPT).body
        picture = library.add(publication_id, body, user, clock.now())
    except DigestError as problem:
        log.info("no picture for a link card", url=url, problem=str(problem))
        return ""
    return str(picture.uuid)
