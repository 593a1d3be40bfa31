"""Who takes part in an experiment, and which variant they get. Pure.

A hash of issue and subscriber says it: the same in every process, after every restart, and for
copies.
"""

import hashlib
from dataclasses import dataclass
from uuid import UUID

SCALE = 2**32


@dataclass(frozen=True, slots=True)
class Split:
    """An experiment that has begun: who gets which variant."""

    issue: UUID
    variants: int  # with variant 0, the issue as it is
    share: float  # of the subscribers, 0 to 1
    winner: int | None = None  # the variant of the rest, once it is decided

    def variant_of(self, subscriber: UUID) -> int:
        """Return a subscriber's variant."""
        place = bucket(self.issue, subscriber)
        if place < self.share:
            return int(place / self.share * self.variants)
        return self.winner or 0


def bucket(issue: UUID, subscriber: UUID) -> float:
    """Return a number from 0 to below 1: a subscriber's place among those of the issue."""
    digest = hashlib.sha256(f"{issue}{subscriber}".encode()).digest()
    return int.from_bytes(digest[:4]) / SCALE
