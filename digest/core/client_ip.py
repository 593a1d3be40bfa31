"""Who is at the other end of a request."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest


def address(request: HttpRequest) -> str | None:
    """Return the visitor's IP address.

    X-Forwarded-For is read from its end, past the proxies that DIGEST_TRUSTED_PROXIES names: what
    stands further left may have been written by anybody.
    """
    here = request.META.get("REMOTE_ADDR", "")
    hops = [*request.META.get("HTTP_X_FORWARDED_FOR", "").split(","), here]
    client = None
    for hop in reversed(hops):
        ip = _ip(hop.strip())
        if ip is None:
            break
        client = str(ip)
        if not _trusted(ip):
            break
    return client


def _trusted(ip: IPv4Address | IPv6Address) -> bool:
    return any(ip in network for network in settings.DIGEST_TRUSTED_PROXIES)


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(text)
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return mapped or ip
