"""Which relay may carry a sender's mail. Pure.

The sender's domain comes first: a relay that is for other domains would have the mail refused, or
taken for a forgery (SPF, DKIM). Among those that fit, the weight decides.
"""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from digest.core import addresses
from digest.relays.models import Relay


def sender_domain(address: str) -> str:
    """Return the domain of an address as relays name it: lower case, in A-labels."""
    return addresses.envelope(address).rpartition("@")[2].lower()


def for_domain(domain: str, relays: Iterable[Relay]) -> list[Relay]:
    """Return the relays that may carry mail from `domain`: those that name it.

    If none does, those that are for every domain.
    """
    known = list(relays)
    named = [relay for relay in known if domain in relay.sender_domains]
    return named or [relay for relay in known if not relay.sender_domains]


def awake(relays: Iterable[Relay], now: datetime) -> list[Relay]:
    """Return those that do not rest; one of weight 0 stands in where no other is left."""
    up = [relay for relay in relays if not relay.resting(now)]
    return [relay for relay in up if relay.weight] or up


def usable(
    domains: Collection[str], relays: Sequence[Relay], now: datetime
) -> dict[Relay, set[str]]:
    """Return which relays may be used now, and from which of `domains` each may send."""
    found: dict[Relay, set[str]] = {}
    for domain in domains:
        for relay in awake(for_domain(domain, relays), now):
            found.setdefault(relay, set()).add(domain)
    return found


def drawn(relays: Collection[Relay], chance: random.Random) -> Relay:
    """Return one of several relays: each as often as its weight says."""
    ordered = sorted(relays, key=lambda relay: relay.pk or 0)
    weights = [relay.weight for relay in ordered]
    return chance.choices(ordered, weights if any(weights) else None)[0]


def stranded(domains: Collection[str], relays: Sequence[Relay]) -> Mapping[str, str]:
    """Return the domains that no relay may send from, up or down, each with what to do."""
    return {
        domain: (
            f"No relay may send from {domain}. Name it at one: "
            f"digest relay set NAME --domain {domain}"
        )
        for domain in domains
        if not for_domain(domain, relays)
    }
