"""Who is at the other end of a request."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

# By these a proxy says that it stands between (RFC 7239, RFC 9110 §7.6.3, and custom).
_FORWARDED = frozenset({"HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA"})


def address(request: HttpRequest) -> str | None:
    """Return the visitor's IP address.

    X-Forwarded-For is read from its end, past the proxies that DIGEST_TRUSTED_PROXIES names: what
    stands further left may have been written by anybody.
    """
    direct_peer = request.META.get("REMOTE_ADDR", "")
    hops = [*request.META.get("HTTP_X_FORWARDED_FOR", "").split(","), direct_peer]
    client = None
    for hop in reversed(hops):
        ip = _ip(hop.strip())
        if ip is None:
            break
        client = str(ip)
        if not _trusted(ip):
            break
    return client


def known_address(request: HttpRequest) -> str | None:
    """Return the visitor's IP address, or None where it may be a proxy's.

    It is known if the request came straight to us, or through proxies that DIGEST_TRUSTED_PROXIES
    names and that have written whom they speak for into X-Forwarded-For.
    """
    hops = [request.META.get("REMOTE_ADDR", "")]
    if _FORWARDED & request.META.keys():
        hops = [*request.META.get("HTTP_X_FORWARDED_FOR", "").split(","), *hops]
    client, *proxies = (_ip(hop.strip()) for hop in hops)
    if client is None or not all(ip and _trusted(ip) for ip in proxies):
        return None
    return str(client)


def counted_as(ip: str, *, v4: int = 32, v6: int = 64) -> str:
    """Return what a client is counted by: the network that one customer of a provider has.

    An IPv6 client has a whole /64, whose addresses it may change for each request.
    """
    address = _ip(ip.partition("%")[0]) or ip_address("0.0.0.0")  # noqa: S104  unknown
    return str(ip_network((address, v6 if isinstance(address, IPv6Address) else v4), strict=False))


def _trusted(ip: IPv4Address | IPv6Address) -> bool:
    return any(ip in network for network in settings.DIGEST_TRUSTED_PROXIES)


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(text)
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return mapped or ip
