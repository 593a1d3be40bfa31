"""Ask providers for the events of the last hours, in case a webhook lost some.

A provider gives up after some hours if our address does not answer; its API still has the events.
What is known already changes nothing. `histories` and `address_lists` say who has such an API.
"""

import time
from datetime import datetime, timedelta

import structlog
from django.db.models import Q

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
BUDGET = (
    20 * 60.0
)  # seconds of one reading; stopped from without, the job would begin anew for ever
OVERLAP = timedelta(hours=1)  # events appear in the API with a delay
FARTHEST = timedelta(days=3)  # back; Mailgun keeps events for some days

log = structlog.get_logger(__name__)


def ask_due(now: datetime) -> int:
    """Ask for each active mail server whose provider has a history; return how many were asked."""
    number = 0
    for relay in Relay.objects.filter(active=True):
        try:
            url = registry.url_of(relay)
            address = parse_address(url) if url.startswith(SCHEME) else None
            if address and address.name in {*HISTORIES, *ADDRESS_LISTS}:
                number += _ask_if_due(relay, address, now)
        except (DigestError, *MALFORMED) as problem:
            log.warning("provider history not read", relay=relay.name, problem=str(problem))
    return number


def _ask_if_due(relay: Relay, address: EspAddress, now: datetime) -> bool:
    row, _ = ProviderHistory.objects.get_or_create(relay=relay, defaults={"asked_at": now - EVERY})
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    due = ProviderHistory.objects.filter(free, pk=row.pk, asked_at__lte=now - EVERY)
    for claimed in leases.claim(due, 1, now + LEASE):
        try:
            recorded = _record_since(address, claimed.asked_at, now)
        except (DigestError, *MALFORMED):
            leases.finish(claimed)
            raise
        leases.finish(claimed, asked_at=now)
        log.info("provider history read", relay=relay.name, recorded=recorded)
        return True
    return False


def _record_since(address: EspAddress, asked_at: datetime, now: datetime) -> int:
    """Record what happened since a moment; return how many events changed something."""
    since = max(asked_at - OVERLAP, now - FARTHEST)
    is_list = address.name in ADDRESS_LISTS
    events = (ADDRESS_LISTS if is_list else HISTORIES)[address.name](address, since)
    recorded, until = 0, time.monotonic() + BUDGET
    for event in events:
        recorded += record_event(event, now, trusts_address=is_list)
        if time.monotonic() > until:
            log.warning("provider history cut off", provider=address.name, since=str(since))
            break
    return recorded
