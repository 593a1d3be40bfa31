"""Ask providers for the events of the last hours, in case a webhook lost some.

A provider gives up after some hours if our address does not answer; its API still has the events.
What is known already changes nothing. `histories` and `address_lists` say who has such an API.
"""

import time
from datetime import datetime, timedelta

import structlog
from django.db.models import F, Q

from digest.bounces.models import ProviderHistory
from digest.bounces.providers.address_lists import ADDRESS_LISTS
from digest.bounces.providers.histories import HISTORIES
from digest.bounces.providers.receiving import MALFORMED, record_event
from digest.core.database import leases
from digest.core.errors import DigestError
from digest.relays import registry
from digest.relays.models import Relay
from digest.relays.transports.esp.address import SCHEME, EspAddress, parse_address

EVERY = timedelta(hours=1)
LEASE = timedelta(minutes=40)  # longer than the job may take: nobody asks twice at once
BUDGET = 20 * 60.0  # seconds for all; stopped from without, the job would begin anew for ever
OVERLAP = timedelta(hours=1)  # events appear in the API with a delay
FARTHEST = timedelta(days=3)  # back; Mailgun keeps events for some days

log = structlog.get_logger(__name__)


def ask_due(now: datetime) -> int:
    """Ask for each active mail server whose provider has a history; return how many were asked."""
    number, until = 0, time.monotonic() + BUDGET
    longest_ago = F("history__asked_at").asc(nulls_first=True)
    for relay in Relay.objects.filter(active=True).order_by(longest_ago, "pk"):
        try:
            url = registry.url_of(relay)
            address = parse_address(url) if url.startswith(SCHEME) else None
            if address and address.name in {*HISTORIES, *ADDRESS_LISTS}:
                number += _ask_if_due(relay, address, now, until)
        except (DigestError, *MALFORMED) as problem:
            log.warning("provider history not read", relay=relay.name, problem=str(problem))
        if time.monotonic() > until:
            break  # the next tick begins with the one that was asked longest ago
    return number


def _ask_if_due(relay: Relay, address: EspAddress, now: datetime, until: float) -> bool:
    row, _ = ProviderHistory.objects.get_or_create(relay=relay, defaults={"asked_at": now - EVERY})
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    due = ProviderHistory.objects.filter(free, pk=row.pk, asked_at__lte=now - EVERY)
    for claimed in leases.claim(due, 1, now + LEASE):
        try:
            recorded, asked_at = _record_since(address, claimed.asked_at, now, until)
        except (DigestError, *MALFORMED):
            leases.finish(claimed)
            raise
        leases.finish(claimed, asked_at=asked_at)
        log.info("provider history read", relay=relay.name, recorded=recorded)
        return True
    return False


def _record_since(
    address: EspAddress, asked_at: datetime, now: datetime, until: float
) -> tuple[int, datetime]:
    """Record what happened since a moment, until a moment of `time.monotonic`.

    Return how many events changed something, and the moment to go on at: where that was not all,
    and the provider gives the oldest events first, it is that of the last one.
    """
    since = max(asked_at - OVERLAP, now - FARTHEST)
    is_list = address.name in ADDRESS_LISTS
    events = (ADDRESS_LISTS if is_list else HISTORIES)[address.name](address, since)
    recorded, times = 0, list[datetime]()
    for event in events:
        recorded += record_event(event, now, trusts_address=is_list)
        times += [event.timestamp] if event.timestamp else []
        if time.monotonic() > until:
            log.warning("provider history cut off", provider=address.name, since=str(since))
            is_ascending = times and times[0] < times[-1] <= now
            return recorded, min(times[-1] + OVERLAP, now) if is_ascending else now
    return recorded, now
