"""Resolve what is uncertain: by hand, or by the relay's own log.

Nobody but the relay knows what became of these. A Message-ID is a function of issue and subscriber,
so each can be looked up in its log.
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

BY_HAND = "Was uncertain; someone looked, and the relay has it."
BY_LOG = "Was uncertain; the relay's log says that it has it."
NOT_TAKEN = "Was uncertain; the relay does not have it. Sent again."
GIVEN_UP = "Was uncertain; given up by hand."

# Postfix: cleanup notes a queue id and the Message-ID as soon as it reads the header; only a
# message that it took whole is ever "queue active", or has a status.
_NAMED = re.compile(r"(?P<queue>[0-9A-Za-z]+): message-id=(?P<id><[^>\s]+>)")
_TAKEN = re.compile(r"(?P<queue>[0-9A-Za-z]+): (?:from=.*queue active|to=.*status=)")
_BARE = re.compile(r"<?(?P<id>[^<>\s@]+@[^<>\s@]+)>?")  # a list of Message-IDs, one in a line

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Doubt:
    """One subscriber uncertain, and what to look for."""

    delivery: int
    email: str  # empty for an erased subscriber
    message_id: str  # with angle brackets; empty for an erased subscriber
    reply: str


def doubts(issue: Issue) -> list[Doubt]:
    """Return the issue's deliveries uncertain, with the Message-ID that each bears."""
    return [
        Doubt(
            row.pk,
            row.subscriber.email if row.subscriber else "",
            message_id(issue, row.subscriber_id) if row.subscriber_id else "",
            row.reply,
        )
        for row in _uncertain(issue).select_related("subscriber").order_by("pk")
    ]


def settle_as_sent(issue: Issue, now: datetime, email: str = "") -> int:
    """Record that the relay has them: all uncertain, or one subscriber's. Return how many."""
    found = _chosen(issue, email)
    return found.update(state=State.SENT, settled_at=now, fence=None, reply=BY_HAND)


def give_up(issue: Issue, now: datetime, email: str = "") -> int:
    """Record that they will not get it. Return how many."""
    found = _chosen(issue, email)
    return found.update(state=State.FAILED, settled_at=now, fence=None, reply=GIVEN_UP)


def send_again(issue: Issue, now: datetime, email: str = "") -> int:
    """Queue them once more; who has it already gets it twice. Return how many."""
    found = _chosen(issue, email).filter(subscriber__isnull=False)
    return _requeue(issue, found, now)


def settle_by_log(
    issue: Issue, lines: Iterable[str], now: datetime, *, resend: bool
) -> tuple[int, int]:
    """Record as sent what the relay's log says that it took; with `resend`, queue the others.

    `lines` are Postfix's mail log, or Message-IDs, one in a line. Returns how many were sent, and
    how many are queued. Ask for `resend` only if the log covers the whole time of the send.
    """
    taken = taken_by(lines)
    found = [doubt.delivery for doubt in doubts(issue) if doubt.message_id in taken]
    sent = _uncertain(issue).filter(pk__in=found)
    settled = sent.update(state=State.SENT, settled_at=now, fence=None, reply=BY_LOG)
    others = _uncertain(issue).filter(subscriber__isnull=False)
    return settled, _requeue(issue, others, now) if resend else 0


def taken_by(lines: Iterable[str]) -> frozenset[str]:
    """Return the Message-IDs of the messages that a log says were taken whole. Pure."""
    named: dict[str, str] = {}
    taken: set[str] = set()
    listed: set[str] = set()
    for line in lines:
        if match := _NAMED.search(line):
            named[match["queue"]] = match["id"]
        elif match := _TAKEN.search(line):
            taken.add(match["queue"])
        elif match := _BARE.fullmatch(line.strip()):
            listed.add(f"<{match['id']}>")
    return frozenset(listed | {named[queue] for queue in taken if queue in named})


def _uncertain(issue: Issue) -> QuerySet[Delivery]:
    return Delivery.objects.filter(issue=issue, state=State.UNCERTAIN)


def _chosen(issue: Issue, email: str) -> QuerySet[Delivery]:
    """Return those uncertain, or one subscriber's; DeliveryError if there is none such."""
    found = _uncertain(issue)
    if email:
        found = found.filter(subscriber__address_key=email)
    if not found.exists():
        whose = f"of {email} " if email else ""
        raise DeliveryError(f"No delivery {whose}of issue {issue.pk} is uncertain.")
    return found


@transaction.atomic
def _requeue(issue: Issue, found: QuerySet[Delivery], now: datetime) -> int:
    """Queue, and open the issue again if it was done with."""
    queued = found.update(state=State.QUEUED, due_at=now, fence=None, reply=NOT_TAKEN)
    if queued:
        Issue.objects.filter(pk=issue.pk, state=Issue.State.SENT).update(
            state=Issue.State.SENDING, finished_at=None
        )
        jobs.enqueue(jobs.SEND_DELIVERIES)
    return queued
