"""Looks up the MX records of recipient domains, so that hosted domains count for their provider.

A firm's domain may be at Google or Microsoft: what happens to its mail is decided there. A job asks
for a few domains at a time; nothing waits for it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import dns.exception
import dns.resolver

from digest.reputation.models import MailDomain
from digest.reputation.recipients.providers import provider_by_exchanger, provider_by_name

CHECK_INTERVAL = timedelta(days=30)
BATCH = 20  # domains in one run
LOOKUP_SECONDS = 4.0


def look_up(domains: Iterable[str], now: datetime) -> int:
    """Look up those of these domains that were not for a month, some at a time; return how many."""
    unnamed = {domain for domain in domains if domain and not provider_by_name(domain)}
    recent = MailDomain.objects.filter(domain__in=unnamed, checked_at__gt=now - CHECK_INTERVAL)
    due = sorted(unnamed - set(recent.values_list("domain", flat=True)))[:BATCH]
    for domain in due:
        exchanger = find_exchanger(domain)
        values = {
            "exchanger": exchanger[:253],
            "provider": provider_by_exchanger(exchanger),
            "checked_at": now,
        }
        MailDomain.objects.update_or_create(domain=domain, defaults=values)
    return len(due)


def find_exchanger(domain: str) -> str:
    """Return the host that a domain's mail goes to first (RFC 5321 §5.1), or ""."""
    try:
        answer = dns.resolver.resolve(domain, "MX", lifetime=LOOKUP_SECONDS)
    except (dns.exception.DNSException, OSError):
        return ""
    records = sorted((record.preference, str(record.exchange)) for record in answer)
    return records[0][1].rstrip(".").lower() if records else ""
