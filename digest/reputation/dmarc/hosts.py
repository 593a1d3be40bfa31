"""Looks up who the addresses of reports are: their names in DNS, and which are our relays."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import dns.exception
import dns.resolver
import dns.reversename

from digest.core.errors import ConfigurationError
from digest.relays import registry
from digest.relays.models import Relay
from digest.reputation.models import DmarcRow, SendingHost

AGAIN = timedelta(days=14)
RECENT = timedelta(days=60)
BATCH = 20  # addresses in one run
LOOKUP_SECONDS = 4.0


def look_up_recent(now: datetime) -> int:
    """Look up the addresses of recent reports, some at a time; return how many."""
    rows = DmarcRow.objects.filter(report__received_at__gt=now - RECENT)
    fresh = SendingHost.objects.filter(checked_at__gt=now - AGAIN).values("ip")
    due = rows.exclude(ip__in=fresh).order_by("ip").values_list("ip", flat=True).distinct()
    addresses = list(due[:BATCH])
    if addresses:
        look_up(addresses, now)
    return len(addresses)


def look_up(addresses: Iterable[str], now: datetime) -> None:
    """Store the names of addresses."""
    own_hosts = _relay_hosts()
    own_addresses = {ip for host in own_hosts for ip in _resolve_host(host)} | own_hosts
    for ip in addresses:
        name = _name_of(ip)
        is_ours = ip in own_addresses or name in own_hosts
        SendingHost.objects.update_or_create(
            ip=ip, defaults={"name": name[:253], "is_ours": is_ours, "checked_at": now}
        )


def _relay_hosts() -> set[str]:
    """Return the hosts of our SMTP relays; the hosts that a provider sends from are its own."""
    hosts = set()
    for relay in Relay.objects.all():
        try:
            place = urlsplit(registry.adapter_of(relay).describe())
        except ConfigurationError:
            continue
        if place.scheme in {"smtp", "smtps"} and place.hostname:
            hosts.add(place.hostname)
    return hosts


def _resolve_host(host: str) -> list[str]:
    return [ip for kind in ("A", "AAAA") for ip in _resolve(host, kind)]


def _name_of(ip: str) -> str:
    names = _resolve(dns.reversename.from_address(ip).to_text(omit_final_dot=True), "PTR")
    return names[0].rstrip(".").lower() if names else ""


def _resolve(name: str, kind: str) -> list[str]:
    try:
        answer = dns.resolver.resolve(name, kind, lifetime=LOOKUP_SECONDS)
    except (dns.exception.DNSException, OSError, ValueError):
        return []
    return [record.to_text() for record in answer]
