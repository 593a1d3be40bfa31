"""Who takes part in a subject test, and which subject they get. Pure.

A hash of issue and subscriber says it: the same in every process, after every restart, and for
copies.
"""

import hashlib
from dataclasses import dataclass
from uuid import UUID

SCALE = 2**32


@dataclass(frozen=True, slots=True)
class Split:
    """A subject test: who gets which variant."""

    issue: UUID
    subjects: tuple[str, ...]  # the other ones, of variants 1, 2 and so on
    share: float  # of the subscribers, 0 to 1
    winner: int | None = None  # the variant of the rest, once it is decided

    def variant_of(self, subscriber: UUID) -> int:
        """Return a subscriber's variant; 0 is the issue's own subject."""
        place = bucket(self.issue, subscriber)
        if place < self.share:
            return int(place / self.share * (len(self.subjects) + 1))
        return self.winner or 0

    def subject_of(self, variant: int) -> str:
        """Return the subject of a variant; "" for the issue's own."""
        return self.subjects[variant - 1] if variant else ""


def bucket(issue: UUID, subscriber: UUID) -> float:
    """Return a number from 0 to below 1: a subscriber's place among those of the issue."""
    digest = hashlib.sha256(f"{issue}{subscriber}".encode()).digest()
    return int.from_bytes(digest[:4]) / SCALE
