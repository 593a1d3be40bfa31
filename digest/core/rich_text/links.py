"""Which links rich text may have: web addresses and mail addresses."""

import re
from urllib.parse import quote, unquote

from digest.core import addresses
from digest.core.errors import InvalidAddressError
from digest.core.text import LONGEST_URL, printable, web_url

_SCHEME = re.compile(r"\s*mailto:", re.IGNORECASE)


def link_address(href: str) -> str:
    """Return a link as it may stand in a mail (http, https or mailto), or "" for anything else.

    Of a mailto: link the first address stays, and its query as it is (RFC 6068).
    """
    if len(href) > LONGEST_URL:
        return ""
    if scheme := _SCHEME.match(href):
        return _mail_address(href[scheme.end() :])
    return web_url(href)


def _mail_address(rest: str) -> str:
    target, mark, query = printable(rest).replace("\n", " ").partition("?")
    try:
        address = addresses.parse(unquote(target)).email
    except InvalidAddressError:
        return ""
    link = f"mailto:{quote(address, safe='@+')}{mark}{quote(query, safe='=&%')}"
    return link if len(link) <= LONGEST_URL else ""
