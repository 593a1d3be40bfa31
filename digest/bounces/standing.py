"""What is stored of somebody whose mail came back, read by one statement for each report.

A hundred reports may come in a second, so what decides about one is read at once.
"""

from dataclasses import dataclass
from datetime import datetime

from digest.bounces import surges
from digest.bounces.history import AS_LONG_AS
from digest.bounces.reading.reasons import Consequence
from digest.core.database.statements import fetch_row
from digest.issues.models import Issue
from digest.relays.throttles import refusals
from digest.subscribers.models import Subscriber


@dataclass(frozen=True, slots=True)
class Standing:
    """What is stored of a subscriber's mail, and of its domain, before a report is recorded."""

    consequence: Consequence | None  # of what was recorded of the same mail
    has_moved: bool  # the subscriber confirmed another address after the issue was due
    recent_count: int  # of this issue and domain with its consequence, up to SURGE
    first_soft_at: datetime | None  # of the bounces that still count (aware, UTC)


def read_standing(
    subscriber: Subscriber,
    issue: Issue | None,
    consequence: Consequence,
    domain: str,
    now: datetime,
) -> Standing:
    """Return what is stored before a report with this consequence, at a moment (aware, UTC)."""
    values = {
        "subscriber": subscriber.pk,
        "issue": issue.pk if issue else None,
        "is_complaint": consequence == Consequence.COMPLAINT,
        "due": issue.goes_at if issue else None,
        "domain": domain,
        "consequence": consequence,
        "since": now - surges.WINDOW,
        "most": refusals.SURGE,
        "soft": Consequence.SOFT,
        "counted_since": now - AS_LONG_AS,
    }
    stored, *fields = fetch_row(_READ, values)
    return Standing(Consequence(stored) if stored else None, *fields)


_READ = """
SELECT (
    SELECT consequence FROM bounces_bounce
    WHERE subscriber_id = %(subscriber)s AND is_complaint = %(is_complaint)s
        AND (issue_id = %(issue)s OR %(issue)s IS NULL AND issue_id IS NULL)
), EXISTS (
    SELECT FROM subscribers_addresschange
    WHERE subscriber_id = %(subscriber)s AND confirmed_at > %(due)s
), (
    SELECT count(*) FROM (
        SELECT FROM bounces_bounce
        WHERE issue_id = %(issue)s AND domain = %(domain)s AND consequence = %(consequence)s
            AND at > %(since)s
        LIMIT %(most)s
    ) AS alike
), (
    SELECT min(at) FROM bounces_bounce
    WHERE subscriber_id = %(subscriber)s AND consequence = %(soft)s AND at > %(counted_since)s
)
"""
