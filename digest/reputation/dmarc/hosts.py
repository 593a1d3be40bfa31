"""Looks up who the addresses of reports are: their names in DNS, and which are our relays.

Whoever has an address may give it any name (PTR), so a name counts if it leads back to the address.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import dns.exception
import dns.resolver
import dns.reversename
from django.db.models import F, Q

from digest.core.errors import ConfigurationError
from digest.relays import registry
from digest.relays.models import Relay
from digest.reputation.models import SendingHost

CHECK_INTERVAL = timedelta(days=14)
BATCH = 20  # addresses in one run
MOST_NAMES = 2  # of an address, that are tried
LOOKUP_SECONDS = 4.0


def look_up_recent(now: datetime) -> int:
    """Look up the addresses of reports, some at a time, the new ones first; return how many."""
    due = SendingHost.objects.filter(Q(checked_at=None) | Q(checked_at__lte=now - CHECK_INTERVAL))
    oldest_first = due.order_by(F("checked_at").asc(nulls_first=True), "pk")
    addresses = list(oldest_first.values_list("ip", flat=True)[:BATCH])
    if addresses:
        look_up(addresses, now)
    return len(addresses)


def look_up(addresses: Iterable[str], now: datetime) -> None:
    """Store the names of addresses."""
    own_hosts = _relay_hosts()
    own_addresses = {ip for host in own_hosts for ip in _resolve_host(host)} | own_hosts
    for ip in addresses:
        name = _name_of(ip)
        SendingHost.objects.update_or_create(
            ip=ip, defaults={"name": name[:253], "is_ours": ip in own_addresses, "checked_at": now}
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
    """Return the first name of an address that leads back to it; "" for none."""
    names = _resolve(dns.reversename.from_address(ip).to_text(omit_final_dot=True), "PTR")
    kind = "AAAA" if ":" in ip else "A"
    leading_back = (row for row in names[:MOST_NAMES] if ip in _resolve(row.rstrip("."), kind))
    return next(leading_back, "").rstrip(".").lower()


def _resolve(name: str, kind: str) -> list[str]:
    try:
        answer = dns.resolver.resolve(name, kind, lifetime=LOOKUP_SECONDS)
    except (dns.exception.DNSException, OSError, ValueError):
        return []
    return [record.to_text() for record in answer]
