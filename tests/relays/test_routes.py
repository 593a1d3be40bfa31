"""Which relay may carry whose mail: pure, so relays are not saved."""

import random
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import pytest

from digest.relays import routes
from digest.relays.models import Relay
from tests.cast import NOON


def relays(*rows: tuple[str, list[str], int]) -> list[Relay]:
    """Return unsaved relays from their name, senders' domains and weight."""
    return [
        Relay(pk=number, name=name, sender_domains=domains, weight=weight)
        for number, (name, domains, weight) in enumerate(rows, 1)
    ]


def names(candidates: Iterable[Relay]) -> list[str]:
    """Return the names of relays, sorted."""
    return sorted(relay.name for relay in candidates)


def test_the_senders_domain_comes_first() -> None:
    """A relay that names it is used, and one without domains only if none names it."""
    candidates = relays(("a", ["one.example"], 1), ("b", ["two.example"], 9), ("any", [], 5))
    assert names(routes.relays_for_domain("one.example", candidates)) == ["a"]
    assert names(routes.relays_for_domain("three.example", candidates)) == ["any"]
    assert routes.domains_without_relay(["one.example", "four.example"], candidates[:2]).keys() == {
        "four.example"
    }


def test_a_stand_in_is_used_only_while_the_others_are_down() -> None:
    """Weight 0 says so."""
    candidates = relays(("main", [], 3), ("spare", [], 0))
    assert names(routes.available_relays(candidates, NOON)) == ["main"]
    candidates[0].retry_at = NOON + timedelta(seconds=1)
    assert names(routes.available_relays(candidates, NOON)) == ["spare"]
    candidates[1].retry_at = NOON + timedelta(seconds=1)
    assert routes.available_relays(candidates, NOON) == []


def test_weights_are_shares() -> None:
    """Three to one, in the long run; two stand-ins share equally."""
    chance = random.Random(7)
    candidates = relays(("big", [], 3), ("small", [], 1))
    chosen = Counter(routes.choose_relay(candidates, chance).name for _ in range(4000))
    assert chosen["big"] / chosen["small"] == pytest.approx(3, rel=0.15)
    spare = relays(("x", [], 0), ("y", [], 0))
    assert {routes.choose_relay(spare, chance).name for _ in range(50)} == {"x", "y"}


def test_usable_relays_come_with_the_domains_that_they_send_for() -> None:
    """A relay may carry several senders' mail, and several relays one sender's."""
    candidates = relays(("a", ["one.example"], 1), ("b", ["one.example", "two.example"], 1))
    usable = routes.usable_relays(["one.example", "two.example"], candidates, NOON)
    assert {relay.name: domains for relay, domains in usable.items()} == {
        "a": {"one.example"},
        "b": {"one.example", "two.example"},
    }
