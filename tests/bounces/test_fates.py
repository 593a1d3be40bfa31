"""The relay of `make chaos` that refuses and defers: its replies mean here what they say there."""

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from digest.bounces.reading.reasons import Consequence, consequence_of
from digest.bounces.reading.replies import understand
from tests import chaos
from tests.chaos.fates import STRICT, fate_of

_REPLIES = tomllib.loads(Path(chaos.__path__[0], "replies.toml").read_text("utf-8"))
_CONSEQUENCES = {
    "unknown": Consequence.HARD,
    "full": Consequence.SOFT,
    "sender": Consequence.SENDER,
    "deferred": Consequence.SOFT,
}


@pytest.mark.parametrize(
    "row",
    [*_REPLIES["refused"], *({**row, "follows": "deferred"} for row in _REPLIES["deferred"])],
    ids=lambda row: row["reply"][:40],
)
def test_a_reply_has_its_consequence(row: dict[str, str]) -> None:
    """So that a run which finds somebody suppressed wrongly tells of the ledger, not of a rule."""
    refusal = understand(row["reply"].format(address="kim@reader.example"))
    consequence = consequence_of(refusal.reason, permanent=refusal.permanent)
    allowed = {_CONSEQUENCES[row["follows"]]}
    if row["follows"] == "deferred":  # 4.7.x is about the sender
        allowed.add(Consequence.SENDER)
        assert not refusal.permanent
    assert consequence in allowed
    assert row["source"]


def test_shares_are_kept() -> None:
    """Of ten thousand addresses, a tenth refused and a fifth deferred, give or take a hundredth."""
    addresses = [f"subscriber{number}@reader.example" for number in range(10_000)]
    fates = [fate_of(address, 10, 20) for address in addresses]
    assert abs(sum(fate.refused for fate in fates) - 1_000) < 100
    assert abs(Counter(fate.follows for fate in fates)["deferred"] - 2_000) < 100
    assert fate_of(f"kim@{STRICT}", 10, 20).follows == "strict"
    assert not fate_of("kim@reader.example", 0, 0).reply
