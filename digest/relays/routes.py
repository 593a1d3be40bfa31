"""Which relay may carry a sender's mail. Pure.

The sender's domain decides first: a relay of other domains would refuse the mail, or recipients
would take it for a forgery (SPF, DKIM). Among the relays that fit, the weight decides.
"""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from digest.core import addresses
from digest.relays.models import Relay


def sender_domain(address: str) -> str:
    """Return the domain of an address as relays name it: lower case, in A-labels."""
    return addresses.envelope(address).rpartition("@")[2].lower()


def relays_for_domain(domain: str, relays: Iterable[Relay]) -> list[Relay]:
    """Return the relays that may carry mail from `domain`: those that name it.

    If none does, those that name no domain.
    """
    candidates = list(relays)
    naming = [relay for relay in candidates if domain in relay.sender_domains]
    return naming or [relay for relay in candidates if not relay.sender_domains]


def available_relays(relays: Iterable[Relay], now: datetime) -> list[Relay]:
    """Return the relays that are not backing off; those of weight 0 only if no other is left."""
    up = [relay for relay in relays if not relay.is_backing_off(now)]
    return [relay for relay in up if relay.weight] or up


def usable_relays(
    domains: Collection[str], relays: Sequence[Relay], now: datetime
) -> dict[Relay, set[str]]:
    """Return the relays that are available now, each with those of `domains` it may carry."""
    usable: dict[Relay, set[str]] = {}
    for domain in domains:
        for relay in available_relays(relays_for_domain(domain, relays), now):
            usable.setdefault(relay, set()).add(domain)
    return usable


def shared_domains(relay: Relay, domains: Iterable[str], relays: Sequence[Relay]) -> set[str]:
    """Return those of these domains whose mail is also sent by another relay.

    One of weight 0 sends only while all others are down.
    """
    alternatives = [row for row in relays if row.weight and row != relay]
    return {
        domain
        for domain in domains
        if not set(relays_for_domain(domain, relays)).isdisjoint(alternatives)
    }


def choose_relay(relays: Collection[Relay], chance: random.Random) -> Relay:
    """Return one of several relays, each as often as its weight says."""
    ordered = sorted(relays, key=lambda relay: relay.pk or 0)
    weights = [relay.weight for relay in ordered]
    return chance.choices(ordered, weights if any(weights) else None)[0]


def domains_without_relay(domains: Collection[str], relays: Sequence[Relay]) -> Mapping[str, str]:
    """Return the domains that no relay may carry, up or down, each with what to do about it."""
    return {
        domain: (
            f"No relay may send from {domain}. Name the domain at one: "
            f"digest relay set NAME --domain {domain}"
        )
        for domain in domains
        if not relays_for_domain(domain, relays)
    }
