"""Texts of links that look like addresses, which mail programs and filters take for deception."""

import re

# "amazon.com raises prices": a domain at the beginning; a number such as 3.5 is none.
_DOMAIN_FIRST = re.compile(r"\W{0,3}(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,24}\b", re.IGNORECASE)
_ADDRESS = re.compile(
    r"https?://\S+|www\.\S+|(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,24}(?:[/?#]\S*)?", re.IGNORECASE
)
WORD_JOINER = "\u2060"


def unlinked(text: str) -> str:
    """Return a text so that no mail program makes a link of the domain that it begins with."""
    return f"{WORD_JOINER}{text}" if _DOMAIN_FIRST.match(text) else text


def is_address(text: str) -> bool:
    """Say whether a link's text is an address itself: people expect to arrive just there."""
    return _ADDRESS.fullmatch(text.strip().strip(WORD_JOINER)) is not None
