"""Resolve what is in doubt: by hand, or by the relay's own log.

Nobody but the relay knows what became of these. A Message-ID is a function of edition and reader,
so each can be looked up in its log.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from digest.core import jobs
from digest.delivery.addressing import message_id
from digest.delivery.errors import DeliveryError
from digest.delivery.models import Delivery
from digest.editions.models import Edition

BY_HAND = "Was in doubt; someone looked, and the relay has it."
BY_LOG = "Was in doubt; the relay's log says that it has it."
NOT_TAKEN = "Was in doubt; the relay does not have it. Sent again."
GIVEN_UP = "Was in doubt; given up by hand."

# Postfix: cleanup notes a queue id and the Message-ID as soon as it reads the header; only a
# message that it took whole is ever "queue active", or has a status.
_NAMED = re.compile(r"(?P<queue>[0-9A-Za-z]+): message-id=(?P<id><[^>\s]+>)")
_TAKEN = re.compile(r"(?P<queue>[0-9A-Za-z]+): (?:from=.*queue active|to=.*status=)")
_BARE = re.compile(r"<?(?P<id>[^<>\s@]+@[^<>\s@]+)>?")  # a list of Message-IDs, one in a line

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reader in doubt, and what to look for."""

    delivery: int
    email: str  # empty for an erased reader
    message_id: str  # with angle brackets; empty for an erased reader
    reply: str


def doubts(edition: Edition) -> list[Doubt]:
    """Return the edition's deliveries in doubt, with the Message-ID that each bears."""
    return [
        Doubt(
            row.pk,
            row.subscriber.email if row.subscriber else "",
            message_id(edition, row.subscriber_id) if row.subscriber_id else "",
            row.reply,
        )
        for row in _in_doubt(edition).select_related("subscriber").order_by("pk")
    ]


def settle_as_sent(edition: Edition, now: datetime, email: str = "") -> int:
    """Record that the relay has them: all in doubt, or one reader's. Return how many."""
    found = _chosen(edition, email)
    return found.update(state=State.SENT, settled_at=now, fence=None, reply=BY_HAND)


def give_up(edition: Edition, now: datetime, email: str = "") -> int:
    """Record that they will not get it. Return how many."""
    found = _chosen(edition, email)
    return found.update(state=State.FAILED, settled_at=now, fence=None, reply=GIVEN_UP)


def send_again(edition: Edition, now: datetime, email: str = "") -> int:
    """Queue them once more; who has it already gets it twice. Return how many."""
    found = _chosen(edition, email).filter(subscriber__isnull=False)
    return _requeue(edition, found, now)


def settle_by_log(
    edition: Edition, lines: Iterable[str], now: datetime, *, resend: bool
) -> tuple[int, int]:
    """Record as sent what the relay's log says that it took; with `resend`, queue the others.

    `lines` are Postfix's mail log, or Message-IDs, one in a line. Returns how many were sent, and
    how many are queued. Ask for `resend` only if the log covers the whole time of the send.
    """
    taken = taken_by(lines)
    found = [doubt.delivery for doubt in doubts(edition) if doubt.message_id in taken]
    sent = _in_doubt(edition).filter(pk__in=found)
    settled = sent.update(state=State.SENT, settled_at=now, fence=None, reply=BY_LOG)
    others = _in_doubt(edition).filter(subscriber__isnull=False)
    return settled, _requeue(edition, others, now) if resend else 0


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


def _in_doubt(edition: Edition) -> QuerySet[Delivery]:
    return Delivery.objects.filter(edition=edition, state=State.IN_DOUBT)


def _chosen(edition: Edition, email: str) -> QuerySet[Delivery]:
    """Return those in doubt, or one reader's; DeliveryError if there is none such."""
    found = _in_doubt(edition)
    if email:
        found = found.filter(subscriber__address_key=email)
    if not found.exists():
        whose = f"of {email} " if email else ""
        raise DeliveryError(f"No delivery {whose}of edition {edition.pk} is in doubt.")
    return found


@transaction.atomic
def _requeue(edition: Edition, found: QuerySet[Delivery], now: datetime) -> int:
    """Queue, and open the edition again if it was done with."""
    queued = found.update(state=State.QUEUED, due_at=now, fence=None, reply=NOT_TAKEN)
    if queued:
        Edition.objects.filter(pk=edition.pk, state=Edition.State.SENT).update(
            state=Edition.State.SENDING, finished_at=None
        )
        jobs.enqueue(jobs.SEND_DELIVERIES)
    return queued
