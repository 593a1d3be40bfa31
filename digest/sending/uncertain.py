"""Resolve uncertain deliveries: manually, or by the relay's own log.

Only the relay knows whether it has these messages. A Message-ID is a function of issue and
subscriber, so each can be looked up in its log.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from digest.core import jobs
from digest.issues.models import Issue
from digest.sending.errors import DeliveryError
from digest.sending.models import Delivery
from digest.sending.outgoing import message_id

MARKED_SENT = "Was uncertain; marked as sent: the relay has it."
SENT_BY_LOG = "Was uncertain; the relay's log says that the relay has it."
RESENT = "Was uncertain; the relay does not have it. Sent again."
MARKED_FAILED = "Was uncertain; marked as failed."

# Postfix: cleanup logs a queue id and the Message-ID as soon as it reads the header; only a message
# that it received completely is ever "queue active", or has a status.
_MESSAGE_ID = re.compile(r"(?P<queue>[0-9A-Za-z]+): message-id=(?P<id><[^>\s]+>)")
_ACCEPTED = re.compile(r"(?P<queue>[0-9A-Za-z]+): (?:from=.*queue active|to=.*status=)")
_BARE_ID = re.compile(r"<?(?P<id>[^<>\s@]+@[^<>\s@]+)>?")  # a list of Message-IDs, one a line

State = Delivery.State


@dataclass(frozen=True, slots=True)
class UncertainDelivery:
    """An uncertain delivery, and what to look for in the relay's log."""

    delivery: int
    email: str  # empty for an erased subscriber
    message_id: str  # with angle brackets; empty for an erased subscriber
    reply: str


def uncertain_deliveries(issue: Issue) -> list[UncertainDelivery]:
    """Return the issue's uncertain deliveries, each with its Message-ID."""
    return [
        UncertainDelivery(
            row.pk,
            row.subscriber.email if row.subscriber else "",
            message_id(issue, row.subscriber) if row.subscriber else "",
            row.reply,
        )
        for row in _uncertain(issue).select_related("subscriber").order_by("pk")
    ]


def mark_sent(issue: Issue, now: datetime, email: str = "") -> int:
    """Record that the relay has them: all uncertain ones, or one subscriber's. Return how many."""
    deliveries = _select(issue, email)
    return deliveries.update(state=State.SENT, settled_at=now, fence=None, reply=MARKED_SENT)


def mark_failed(issue: Issue, now: datetime, email: str = "") -> int:
    """Record that subscribers will not get the issue. Return how many."""
    deliveries = _select(issue, email)
    return deliveries.update(state=State.FAILED, settled_at=now, fence=None, reply=MARKED_FAILED)


def resend(issue: Issue, now: datetime, email: str = "") -> int:
    """Queue them once more; a subscriber who has it already gets it twice. Return how many."""
    return _requeue(issue, _select(issue, email).filter(subscriber__isnull=False), now)


def settle_by_log(
    issue: Issue, lines: Iterable[str], now: datetime, *, resend: bool
) -> tuple[int, int]:
    """Record as sent what the relay has according to its log; with `resend`, queue the others.

    `lines` are Postfix's mail log, or Message-IDs, one a line. Returns how many were sent, and how
    many are queued. Use `resend` only if the log covers the whole time of the send.
    """
    accepted = accepted_ids(lines)
    ids = [row.delivery for row in uncertain_deliveries(issue) if row.message_id in accepted]
    sent = _uncertain(issue).filter(pk__in=ids)
    settled = sent.update(state=State.SENT, settled_at=now, fence=None, reply=SENT_BY_LOG)
    unsettled = _uncertain(issue).filter(subscriber__isnull=False)
    return settled, _requeue(issue, unsettled, now) if resend else 0


def accepted_ids(lines: Iterable[str]) -> frozenset[str]:
    """Return the Message-IDs of the messages that were received completely, by a log. Pure."""
    ids: dict[str, str] = {}  # by queue id
    accepted: set[str] = set()  # queue ids
    listed: set[str] = set()
    for line in lines:
        if match := _MESSAGE_ID.search(line):
            ids[match["queue"]] = match["id"]
        elif match := _ACCEPTED.search(line):
            accepted.add(match["queue"])
        elif match := _BARE_ID.fullmatch(line.strip()):
            listed.add(f"<{match['id']}>")
    return frozenset(listed | {ids[queue] for queue in accepted if queue in ids})


def _uncertain(issue: Issue) -> QuerySet[Delivery]:
    return Delivery.objects.filter(issue=issue, state=State.UNCERTAIN)


def _select(issue: Issue, email: str) -> QuerySet[Delivery]:
    """Return the uncertain deliveries, or one subscriber's; raise DeliveryError if none is."""
    deliveries = _uncertain(issue)
    if email:
        deliveries = deliveries.filter(subscriber__address_key=email)
    if not deliveries.exists():
        of_subscriber = f"to {email} " if email else ""
        raise DeliveryError(f"No delivery {of_subscriber}of issue {issue.pk} is uncertain.")
    return deliveries


@transaction.atomic
def _requeue(issue: Issue, deliveries: QuerySet[Delivery], now: datetime) -> int:
    """Queue deliveries, and reopen the issue if it was finished."""
    queued = deliveries.update(state=State.QUEUED, due_at=now, fence=None, reply=RESENT)
    if queued:
        Issue.objects.filter(pk=issue.pk, state=Issue.State.SENT).update(
            state=Issue.State.SENDING, finished_at=None
        )
        jobs.enqueue(jobs.SEND_DELIVERIES)
    return queued
