"""Who asks: from which address, in which language. Nothing is stored in a cookie."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from digest.core import languages
from digest.newsletters.models import Newsletter


def address(request: HttpRequest) -> str | None:
    """Return the visitor's IP address.

    X-Forwarded-For is read from its end, past the proxies that DIGEST_TRUSTED_PROXIES names: what
    stands further left may have been written by anybody.
    """
    here = request.META.get("REMOTE_ADDR", "")
    hops = [*request.META.get("HTTP_X_FORWARDED_FOR", "").split(","), here]
    found = None
    for hop in reversed(hops):
        ip = _ip(hop.strip())
        if ip is None:
            break
        found = str(ip)
        if not _trusted(ip):
            break
    return found


def language(request: HttpRequest, *wishes: str) -> str:
    """Return the language to answer in: as the address says (?lang=), as wished, as the browser."""
    accepted = parse_accept_lang_header(request.META.get("HTTP_ACCEPT_LANGUAGE", "").lower())
    return languages.ours(request.GET.get("lang", ""), *wishes, *(tag for tag, _ in accepted))


def language_for(request: HttpRequest, newsletter: Newsletter | None, reader: str = "") -> str:
    """Return the language for a page of a newsletter: the reader's own, or the newsletter's."""
    if newsletter is None:
        return language(request, reader)
    return language(request, reader, newsletter.language or newsletter.publication.language)


def wants_json(request: HttpRequest) -> bool:
    """Say whether a script asks."""
    return request.accepts("application/json") and not request.accepts("text/html")


def _trusted(ip: IPv4Address | IPv6Address) -> bool:
    return any(ip in network for network in settings.DIGEST_TRUSTED_PROXIES)


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
