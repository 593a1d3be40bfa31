"""What becomes of a mail to an address, at a relay that refuses and defers some. Pure.

Decided by the address alone, so that who sent and who checks agree, whatever was killed meanwhile.
Everything to STRICT is refused for the sender's sake, until somebody opens it.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

STRICT = "strict.example"


@dataclass(frozen=True, slots=True)
class Fate:
    """The first reply to a recipient, "" where it is accepted; and what follows from it."""

    reply: str = ""
    follows: str = "accepted"  # else "deferred", "strict", or what a refusal leads to

    @property
    def refused(self) -> bool:
        """Whether it is refused for good."""
        return self.follows in {"unknown", "full", "sender"}


def fate_of(address: str, refuse: int, defer: int) -> Fate:
    """Return the fate of an address where so many percent are refused, and deferred at first."""
    if not refuse and not defer:
        return Fate()
    replies = _replies()
    if address.endswith(f"@{STRICT}"):
        return Fate(replies["strict"]["reply"], "strict")
    place, choice = divmod(crc32(address.encode()), 65_536)
    percent = place % 100
    if percent < refuse:
        row = replies["refused"][choice % len(replies["refused"])]
        return Fate(row["reply"].format(address=address), row["follows"])
    if percent < refuse + defer:
        row = replies["deferred"][choice % len(replies["deferred"])]
        return Fate(row["reply"].format(address=address), "deferred")
    return Fate()


@cache
def _replies() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("replies.toml").read_text("utf-8"))
