"""Relays and the domains that they are paused for."""

from datetime import timedelta
from typing import Any

from digest.core import clock
from digest.relays.models import PausedDomain, Relay


def make_paused_domain(relay: Relay, **fields: Any) -> PausedDomain:
    """A domain that refused our mail a moment ago, paused for an hour."""
    now = clock.now()
    defaults = {
        "domain": "wall.example",
        "since": now,
        "until": now + timedelta(hours=1),
        "reason": "5.7.1",
    }
    return PausedDomain.objects.create(relay=relay, **defaults | fields)
