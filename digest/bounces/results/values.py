"""What became of mail to one destination. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from digest.core.text import percent

NAMES = ("sent", "deferred", "waiting", "refused", "bounced", "complaints", "clickers", "countable")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of mail; `label` is a domain, a provider's key, or "" for the rest."""

    label: str
    sent: int = 0
    deferred: int = 0  # of those sent, took more than one attempt; and those that wait for another
    waiting: int = 0  # of those deferred, not sent yet
    refused: int = 0
    bounced: int = 0  # of those sent, reported later
    complaints: int = 0
    clickers: int = 0  # people who clicked, where the publication counts each subscriber
    countable: int = 0  # mails sent whose clicks are counted like that

    @property
    def attempted(self) -> int:
        """Deliveries with an outcome."""
        return self.sent + self.refused

    @property
    def tried(self) -> int:
        """Deliveries that were tried at least once."""
        return self.attempted + self.waiting

    @property
    def trouble_percent(self) -> float:
        """Mails refused or deferred, in percent of those tried, with one digit."""
        return round((self.refused + self.deferred) / self.tried * 100, 1) if self.tried else 0.0

    @property
    def delivered(self) -> int:
        """Deliveries that were accepted and have not come back."""
        return max(self.sent - self.bounced, 0)

    @property
    def delivered_share(self) -> float:
        """From 0 to 1; 1 where nothing was attempted."""
        return self.delivered / self.attempted if self.attempted else 1.0

    @property
    def delivered_percent(self) -> str:
        """With one digit, rounded down: a hundred means everyone."""
        return f"{int(self.delivered_share * 1000) / 10:g}"

    @property
    def complaint_share(self) -> float:
        """Complaints by mails delivered, from 0 to 1; Gmail asks for less than 0.001."""
        return self.complaints / self.delivered if self.delivered else 0.0

    @property
    def click_percent(self) -> str:
        """People who clicked by mails sent, with one digit; "" where nobody is counted."""
        return percent(self.clickers / self.countable) if self.countable else ""

    @classmethod
    def total(cls, label: str, results: Iterable[Self]) -> Self:
        """Add up results."""
        rows = list(results)
        return cls(label, *(sum(getattr(row, name) for row in rows) for name in NAMES))
