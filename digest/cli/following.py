"""Following an edition until it is done, and saying why when nothing moves."""

import time
from collections.abc import Callable
from dataclasses import asdict

from digest.cli import checks
from digest.core import clock
from digest.core.findings import Level
from digest.delivery.models import Delivery, Relay
from digest.delivery.progress import Progress, progress
from digest.editions.models import Edition

TICK = 0.5  # seconds between two looks
STILL = 15.0  # seconds without a change, after which somebody wants to know why

GOING = frozenset({Edition.State.BUILT, Edition.State.SENDING})


def follow(
    edition: Edition, show: Callable[[Progress], None], note: Callable[[str], None]
) -> Progress:
    """Wait until an edition is sent, cancelled or paused; return where its deliveries are.

    `show` is given the numbers at each look; `note` a line whenever nothing has moved for long and
    the reason is another than before.
    """
    last, moved_at, noted = None, time.monotonic(), ""
    while True:
        edition.refresh_from_db(fields=["state", "reason"])
        counts = progress(edition)
        show(counts)
        if edition.state not in GOING:
            return counts
        if counts != last:
            last, moved_at = counts, time.monotonic()
        elif time.monotonic() - moved_at > STILL and (why := _why_still(edition)) != noted:
            note(why)
            noted = why
        time.sleep(TICK)


def sum_up(counts: Progress) -> str:
    """Say how far an edition is, in numbers that add up."""
    if not counts.eligible:
        return "no reader yet"
    parts = [
        f"{count:,} {name.replace('_', ' ')}" for name, count in asdict(counts).items() if count
    ]
    readers = "reader" if counts.eligible == 1 else "readers"
    return f"{counts.eligible:,} {readers} = {' + '.join(parts)}"


def count_facts(counts: Progress) -> dict[str, int]:
    """Return the numbers by name, and how many there are in all."""
    return {"eligible": counts.eligible, **asdict(counts)}


def _why_still(edition: Edition) -> str:
    """Say why an edition does not move, as far as that can be seen from here."""
    if relay := Relay.objects.filter(down_since__isnull=False).first():
        problem = relay.problem.rstrip(".")
        return f"The relay cannot be used: {problem}. It is tried again by itself."
    for finding in checks.workers(clock.now()):
        if finding.level is Level.FAIL:
            return f"{finding.what} {finding.advice}"
    deferred = edition.deliveries.filter(state=Delivery.State.DEFERRED).order_by("due_at")
    if first := deferred.first():
        return (
            f"{deferred.count():,} are deferred by their servers; the next try is "
            f"{clock.spoken(first.due_at)}. It goes on without this command."
        )
    return "Nothing moves; `digest doctor` may know why."
