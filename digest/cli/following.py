"""Following an issue until it is done, and saying why when nothing moves."""

import time
from collections.abc import Callable
from dataclasses import asdict

from digest.core import clock
from digest.core.findings import Level
from digest.core.text import counted
from digest.doctor.services import check_workers
from digest.issues.models import Issue
from digest.relays.models import Relay
from digest.sending.models import Delivery
from digest.sending.progress import Progress, progress

TICK = 0.5  # seconds between two looks
PATIENCE = 15.0  # seconds without a change, after which somebody wants to know why

GOING = frozenset({Issue.State.BUILT, Issue.State.SENDING})


def follow(issue: Issue, show: Callable[[Progress], None], note: Callable[[str], None]) -> Progress:
    """Wait until an issue is sent, cancelled or paused; return where its deliveries are.

    `show` is given the numbers at each look; `note` a line whenever nothing has moved for long and
    the reason is another than before.
    """
    last, moved_at, noted = None, time.monotonic(), ""
    while True:
        issue.refresh_from_db(fields=["state", "reason"])
        counts = progress(issue)
        show(counts)
        if issue.state not in GOING:
            return counts
        if counts != last:
            last, moved_at = counts, time.monotonic()
        elif time.monotonic() - moved_at > PATIENCE and (reason := _why_still(issue)) != noted:
            note(reason)
            noted = reason
        time.sleep(TICK)


def sum_up(counts: Progress) -> str:
    """Say how far an issue is, in numbers that add up."""
    if not counts.eligible:
        return "no subscriber yet"
    parts = [
        f"{count:,} {name.replace('_', ' ')}" for name, count in asdict(counts).items() if count
    ]
    return f"{counted(counts.eligible, 'subscriber')} = {' + '.join(parts)}"


def progress_values(counts: Progress) -> dict[str, int]:
    """Return the numbers by name, and how many there are in all."""
    return {"eligible": counts.eligible, **asdict(counts)}


def _why_still(issue: Issue) -> str:
    """Say why an issue does not move, as far as that can be seen from here."""
    if relay := Relay.objects.filter(down_since__isnull=False).first():
        problem = relay.problem.rstrip(".")
        return f"The relay cannot be used: {problem}. It is tried again by itself."
    for finding in check_workers(clock.now()):
        if finding.level is Level.FAIL:
            return f"{finding.summary} {finding.advice}"
    deferred = issue.deliveries.filter(state=Delivery.State.DEFERRED).order_by("due_at")
    if first := deferred.first():
        return (
            f"{deferred.count():,} are deferred by their servers; the next try is "
            f"{clock.format_moment(first.due_at)}. It goes on without this command."
        )
    return "Nothing moves; `digest doctor` may know why."
