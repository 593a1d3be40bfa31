"""Whether the mailboxes that bounces return to can be polled."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from digest.bounces.models import Mailbox
from digest.core import clock
from digest.core.findings import Finding, ok, warn

LATE = timedelta(hours=1)  # without a poll, though it was due


def check_mailboxes(now: datetime) -> Iterator[Finding]:
    """Every active mailbox was polled lately, and its server let us in."""
    for mailbox in Mailbox.objects.filter(active=True).order_by("name"):
        polled_at = mailbox.polled_at
        since = clock.format_moment(polled_at) if polled_at else "never"
        if mailbox.problem:
            yield warn(
                f"The mailbox {mailbox.name} cannot be polled: {mailbox.problem}",
                f"Bounces are not read. Correct its address: digest mailbox set {mailbox.name} "
                f"--url …, then digest mailbox check {mailbox.name}",
            )
        elif mailbox.due_at < now - LATE:
            yield warn(
                f"The mailbox {mailbox.name} is not polled; last: {since}.",
                "Check that a worker runs for the queue mailboxes.",
            )
        else:
            yield ok(f"The mailbox {mailbox.name} is polled.")
