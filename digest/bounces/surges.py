"""Whether a domain refuses so much of an issue at once that its subscribers are not the reason.

Refusals because of our mail pause the domain, as those in the conversation do (relays.throttles).
Hard bounces of a third of a domain are its own fault, or our relay's: in December 2020 Gmail
called existing mailboxes unknown for hours. Beyond the first 20 they count as soft.
"""

import time
from datetime import datetime, timedelta
from typing import NamedTuple

from digest.bounces.models import Bounce
from digest.bounces.reading.reasons import Consequence
from digest.core.database.statements import fetch_row
from digest.issues.models import Issue
from digest.relays import registry, routes
from digest.relays.throttles import refusals
from digest.sending import domain_pauses

WINDOW = timedelta(hours=1)
COUNT_SECONDS = 30.0  # that a count of deliveries is used again: it reads a whole issue
GROWTH = 1.2  # of the bounces since the count, for which it is too old at any age


class BounceCount(NamedTuple):
    """A count of deliveries, and when it was made."""

    at: float  # time.monotonic()
    bounces: int
    deliveries: int


_counts: dict[tuple[int, str], BounceCount] = {}


def is_surge(issue: Issue | None, domain: str, consequence: Consequence, now: datetime) -> bool:
    """Return whether so many of an issue's deliveries to a domain had this consequence lately."""
    if issue is None:
        return False
    recent = Bounce.objects.filter(
        issue=issue, domain=domain, consequence=consequence, at__gt=now - WINDOW
    )
    number = len(recent.values_list("pk")[: refusals.SURGE])
    if number < refusals.SURGE:
        return False
    bounces = recent.count()
    return refusals.is_surge(_deliveries_to(issue.pk, domain, bounces), bounces)


def pause_where_surging(bounce: Bounce, now: datetime) -> None:
    """Pause the domain of a bounce at the relays of its issue's sender, if it refuses us now."""
    issue = bounce.issue
    if issue is None or not is_surge(issue, bounce.domain, Consequence.SENDER, now):
        return
    sender = routes.sender_domain(issue.newsletter.publication.sender_email)
    for relay in routes.relays_for_domain(sender, registry.active_relays()):
        domain_pauses.pause_domain(relay, bounce.domain, bounce.reply, now)


def _deliveries_to(issue_id: int, domain: str, bounces: int) -> int:
    """Return how many of an issue's deliveries to a domain were accepted or refused.

    While an issue is sent both numbers grow; an old count beside new bounces would be a surge.
    """
    key, moment = (issue_id, domain), time.monotonic()
    counted = _counts.get(key)
    if counted and moment - counted.at < COUNT_SECONDS and bounces <= counted.bounces * GROWTH:
        return counted.deliveries
    (deliveries,) = fetch_row(
        _COUNT, [issue_id, "%@" + domain.replace("_", r"\_").replace("%", r"\%")]
    )
    if len(_counts) > 1_000:
        _counts.clear()
    _counts[key] = BounceCount(moment, bounces, int(deliveries))
    return int(deliveries)


_COUNT = """
SELECT count(*) FROM (
    SELECT issue_id, subscriber_id FROM sending_delivery WHERE state IN (3, 4)
    UNION ALL
    SELECT issue_id, subscriber_id FROM sending_sentdelivery
) AS delivery
JOIN subscribers_subscriber AS subscriber ON subscriber.id = delivery.subscriber_id
WHERE delivery.issue_id = %s AND subscriber.address_key LIKE %s
"""
