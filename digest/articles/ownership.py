"""Whose a link is, among the sources of a publication. Pure: addresses in, a rank out.

An aggregator carries links to everybody's pages. Its words for them must not replace the words of
the paper that wrote them.
"""

import re
from urllib.parse import urlsplit

STRANGER, BY_ITS_SITE, BY_ITS_FEED = range(3)

# `/@name` and `/~name` begin what belongs to one person on a host that many share.
_PERSON = re.compile(r"/([@~][^/]+)")


def rank(url: str, *, feed_url: str, site_url: str) -> int:
    """Say how surely a link belongs to a source.

    BY_ITS_FEED: the feed itself is served from that host, or from a host above it. BY_ITS_SITE: the
    feed only says that its site is there. Two blogs of one platform are strangers to each other.
    """
    host = host_of(url)
    if not host or _is_within(url, host, feed_url):
        return BY_ITS_FEED  # an entry without a link is the feed's own
    return BY_ITS_SITE if _is_within(url, host, site_url) else STRANGER


def host_of(url: str) -> str:
    """Return the host of an address without "www.", or ""."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".").removeprefix("www.")
    except ValueError:
        return ""


def _is_within(url: str, host: str, owner_url: str) -> bool:
    owner = host_of(owner_url)
    if not owner or not f".{host}".endswith(f".{owner}"):
        return False
    return _person(url) == _person(owner_url)


def _person(url: str) -> str:
    match = _PERSON.search(urlsplit(url).path)
    return match[1].lower() if match else ""
