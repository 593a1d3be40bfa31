"""What has to follow from a relay that refuses some and defers others, and what did."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.chaos.fates import STRICT, fate_of
from tests.chaos.house import House


@dataclass
class Bouncing:
    """Shares in percent; then what came of it, as sets of addresses."""

    refuse: int
    defer: int
    paused: set[str] = field(default_factory=set)  # domains, seen while it ran
    refused: int = 0
    deferred: int = 0
    unknown: int = 0
    unsuppressed: set[str] = field(default_factory=set)  # unknown, and would get the next issue
    wrongly_suppressed: set[str] = field(default_factory=set)
    wrongly_failed: dict[str, str] = field(default_factory=dict)  # and what the database says why
    delivered_though_refused: set[str] = field(default_factory=set)
    unrecorded: set[str] = field(default_factory=set)  # refused, and no bounce says so

    @property
    def shares(self) -> tuple[int, int]:
        """How many percent are refused, and deferred at first."""
        return self.refuse, self.defer

    @property
    def good(self) -> bool:
        """Who is unknown is suppressed and nobody else; the rest arrived; the strict one paused."""
        return self.paused == {STRICT} and not (
            self.unsuppressed
            or self.wrongly_suppressed
            or self.wrongly_failed
            or self.delivered_though_refused
            or self.unrecorded
        )

    def arriving(self, addresses: Iterable[str]) -> set[str]:
        """Return those whom the mail has to reach: at once, or after some attempts."""
        return {row for row in addresses if not fate_of(row, *self.shares).refused}

    def check(self, house: House, addresses: Iterable[str], deliveries: Mapping[str, int]) -> None:
        """Compare what the database says with the fates of all addresses."""
        fates = {address: fate_of(address, *self.shares) for address in addresses}
        refused = {address for address, fate in fates.items() if fate.refused}
        unknown = {address for address in refused if fates[address].follows == "unknown"}
        suppressed = _addresses(house, _SUPPRESSED)
        self.refused, self.unknown = len(refused), len(unknown)
        self.deferred = sum(fate.follows == "deferred" for fate in fates.values())
        self.unsuppressed, self.wrongly_suppressed = unknown - suppressed, suppressed - unknown
        self.wrongly_failed = {
            str(address): f"{code} {reply} ({attempts} attempts)"
            for address, code, reply, attempts in house.query(_FAILED)
            if address not in refused
        }
        self.delivered_though_refused = {address for address in refused if deliveries.get(address)}
        self.unrecorded = refused - _addresses(house, _BOUNCED)

    def __str__(self) -> str:
        lines = [
            f"refused {self.refused:,}, of which {self.unknown:,} are unknown",
            f"deferred at first {self.deferred:,}",
            f"paused {', '.join(sorted(self.paused)) or 'no domain'}",
            f"unknown and not suppressed {len(self.unsuppressed)}",
            f"suppressed wrongly {len(self.wrongly_suppressed)}",
            f"failed wrongly {len(self.wrongly_failed)}",
            f"refused and not recorded {len(self.unrecorded)}",
        ]
        lines += [f"{address} failed: {reason}" for address, reason in self.wrongly_failed.items()]
        return "\n".join(lines)


def _addresses(house: House, query: str) -> set[str]:
    return {str(address) for (address,) in house.query(query)}


_SUPPRESSED = "SELECT address_key FROM subscribers_suppression"
_FAILED = """
SELECT subscriber.email, reply_code, reply, attempts FROM sending_delivery AS delivery
JOIN subscribers_subscriber AS subscriber ON subscriber.id = delivery.subscriber_id
WHERE delivery.state = 4
"""
_BOUNCED = """
SELECT subscriber.email FROM bounces_bounce AS bounce
JOIN subscribers_subscriber AS subscriber ON subscriber.id = bounce.subscriber_id
"""
