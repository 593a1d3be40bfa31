"""How far an issue is, as Home and its desk show it and ask for it while it goes out."""

from dataclasses import asdict
from typing import Any

from digest.console import charts
from digest.core import clock
from digest.issues.models import Issue
from digest.sending.progress import Progress, pace


def facts(issue: Issue, counts: Progress) -> dict[str, Any]:
    """Return its state, its numbers, its pace, and the bar that shows them; ready for JSON.

    `parts` are the stretches of the bar, of a hundred: name, begin, width. `ends_at` is in the
    publication's zone, in words.
    """
    going = pace(issue, counts, clock.now())
    zone = clock.zone(issue.newsletter.publication.timezone)
    return {
        "state": issue.state,
        "said": issue.get_state_display(),
        **asdict(counts),
        "eligible": counts.eligible,
        "settled": counts.settled,
        "percent": counts.settled * 100 // counts.eligible if counts.eligible else 0,
        "parts": [asdict(part) for part in _parts(counts)],
        "per_second": round(going.per_second, 1) if going.per_second else None,
        "ends_at": clock.format_moment(going.ends_at, zone) if going.ends_at else "",
    }


def _parts(counts: Progress) -> list[charts.Part]:
    not_sent = counts.failed + counts.suppressed + counts.cancelled
    shown = (("sent", counts.sent), ("not_sent", not_sent), ("uncertain", counts.uncertain))
    return charts.parts(shown, counts.eligible)
