"""Which domains are worth a look at DNS: those of recent results."""

from datetime import datetime, timedelta

from digest.bounces.models import DomainResult
from digest.reputation.recipients import exchangers

RECENT = timedelta(days=7)


def look_up_recent(now: datetime) -> int:
    """Look up the providers of domains that issues of the last week went to; return how many."""
    rows = DomainResult.objects.filter(counted_at__gt=now - RECENT).order_by()
    return exchangers.look_up(rows.values_list("domain", flat=True).distinct(), now)
