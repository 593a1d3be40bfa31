"""How far an issue is, as Home and the issue's page show it and poll it while it goes out."""

from dataclasses import asdict, dataclass
from typing import Any

from digest.core import clock
from digest.issues.models import Issue
from digest.sending.progress import Progress, pace, progress

_COUNTS = (
    *(("eligible", "recipients"), ("sent", "sent"), ("queued", "queued")),
    *(("in_flight", "in flight"), ("deferred", "deferred"), ("failed", "failed")),
    *(("suppressed", "suppressed"), ("uncertain", "uncertain"), ("cancelled", "cancelled")),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a bar of a hundred."""

    name: str
    begins: float
    width: float


def progress_of(issue: Issue) -> dict[str, Any]:
    """Return an issue's numbers, its pace, and the bar that shows them.

    `counts` are rows of name, label and number. `parts` are the stretches of the bar. `ends_at` is
    in the publication's zone, in words; empty while nobody can say.
    """
    numbers = progress(issue)
    speed = pace(issue, numbers, clock.now())
    zone = clock.zone(issue.newsletter.publication.timezone)
    return {
        "counts": [(name, label, getattr(numbers, name)) for name, label in _COUNTS],
        "eligible": numbers.eligible,
        "settled": numbers.settled,
        "percent": numbers.settled * 100 // numbers.eligible if numbers.eligible else 0,
        "parts": [asdict(part) for part in bar(numbers)],
        "per_second": round(speed.per_second, 1) if speed.per_second else None,
        "ends_at": clock.format_moment(speed.ends_at, zone) if speed.ends_at else "",
    }


def bar(numbers: Progress) -> list[Part]:
    """Return sent, not sent and uncertain, one behind the other in a bar of a hundred."""
    not_sent = numbers.failed + numbers.suppressed + numbers.cancelled
    stretches = (("sent", numbers.sent), ("not_sent", not_sent), ("uncertain", numbers.uncertain))
    parts, begins = [], 0.0
    for name, number in stretches:
        width = number * 100 / numbers.eligible if numbers.eligible else 0.0
        parts.append(Part(name, round(begins, 3), round(width, 3)))
        begins += width
    return parts
