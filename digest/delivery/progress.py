"""How far an edition has got, in numbers that add up."""

from dataclasses import dataclass

from django.db.models import Count

from digest.delivery.models import Delivery
from digest.editions.models import Edition

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Progress:
    """How many deliveries of an edition are where."""

    queued: int = 0
    in_flight: int = 0
    deferred: int = 0
    sent: int = 0
    failed: int = 0
    suppressed: int = 0
    cancelled: int = 0
    in_doubt: int = 0

    @property
    def eligible(self) -> int:
        """Everyone for whom a delivery was planned."""
        return self.waiting + self.settled

    @property
    def waiting(self) -> int:
        """Those that are still to come."""
        return self.queued + self.in_flight + self.deferred

    @property
    def settled(self) -> int:
        """Those whose end is known, or known to be in doubt."""
        return self.sent + self.failed + self.suppressed + self.cancelled + self.in_doubt


_FIELDS = {
    State.QUEUED: "queued",
    State.CLAIMED: "in_flight",
    State.DEFERRED: "deferred",
    State.SENT: "sent",
    State.FAILED: "failed",
    State.SUPPRESSED: "suppressed",
    State.CANCELLED: "cancelled",
    State.IN_DOUBT: "in_doubt",
}


def progress(edition: Edition) -> Progress:
    """Count an edition's deliveries by state, at one moment."""
    rows = Delivery.objects.filter(edition=edition).values_list("state").annotate(Count("pk"))
    return Progress(**{_FIELDS[State(state)]: count for state, count in rows})
