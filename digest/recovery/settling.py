"""Record what was really sent of a paused issue, by the mail server's log.

A Message-ID is a function of issue and subscriber, so each subscriber's can be looked up, also
where the restored data have no delivery for them yet: planning leaves out whoever has one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import transaction

from digest.core import links
from digest.core.database.statements import fetch_row
from digest.issues.models import Issue
from digest.relays.retries import Outcome
from digest.sending import chunks, uncertain
from digest.sending.chunks import Members
from digest.sending.errors import DeliveryError
from digest.sending.models import AnyDelivery, Chunk, Delivery
from digest.sending.outgoing import message_id
from digest.subscribers.models import Subscriber

SENT_BY_LOG = "The mail server's log says that it was sent, after the end of the restored data."
STEP = 5_000  # subscribers

State = Delivery.State
_SENT = Outcome(State.SENT, None, SENT_BY_LOG, attempted=True)
_OPEN = (*Delivery.DUE, State.CLAIMED, State.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class SettledIssue:
    """What a log says about an issue."""

    listed: int  # subscribers who have it
    recorded: int  # of them, who did not have it as far as the data knew


@transaction.atomic
def settle_by_log(issue: Issue, lines: Iterable[str], now: datetime) -> SettledIssue:
    """Record as sent what the log has; whoever resumes the issue sends it to the others.

    `lines` are Postfix's mail log, or Message-IDs, one a line, as providers export them. Raises
    DeliveryError unless the issue is paused.
    """
    if Issue.objects.select_for_update().get(pk=issue.pk).state != Issue.State.PAUSED:
        raise DeliveryError(
            f"Issue {issue.pk} is not paused. Release the mail first: that pauses it."
        )
    listed = _subscribers_in(issue, uncertain.accepted_ids(lines))
    recorded = _settle_chunks(issue, listed, now)
    remaining = iter(sorted(listed))
    while subscriber_ids := list(islice(remaining, STEP)):
        recorded += _settle_rows(issue, subscriber_ids, now)
        recorded += _insert_missing(issue, subscriber_ids, now)
    return SettledIssue(len(listed), recorded)


def _subscribers_in(issue: Issue, accepted: frozenset[str]) -> frozenset[int]:
    """Return the subscribers of the issue's newsletter whose Message-ID is among these."""
    rows = Subscriber.objects.filter(subscriptions__newsletter=issue.newsletter_id)
    return frozenset(
        key
        for key, uuid in rows.values_list("pk", "uuid").iterator(chunk_size=STEP)
        if message_id(issue, links.Row(key, uuid)) in accepted
    )


def _settle_chunks(issue: Issue, listed: frozenset[int], now: datetime) -> int:
    """Settle deliveries that have no rows yet, those of a sender included that is gone.

    A chunk may be replaced by another one before it is locked; that one has the same deliveries.
    """
    recorded = 0
    while keys := list(_chunks_with(issue, listed)):
        recorded += sum(_settle_chunk(key, listed, now) for key in keys)
    return recorded


def _chunks_with(issue: Issue, listed: frozenset[int]) -> Iterator[int]:
    rows = Chunk.objects.filter(issue=issue).order_by("pk").values_list("pk", "subscriber_ids")
    for key, subscriber_ids in rows.iterator(chunk_size=100):
        if not listed.isdisjoint(subscriber_ids):
            yield key


def _settle_chunk(key: int, listed: frozenset[int], now: datetime) -> int:
    """Settle a chunk under its fence, or by a claim that lasts no longer than this."""
    chunk = Chunk.objects.select_for_update().filter(pk=key).first()
    if chunk is None:
        return 0
    members = Members.of(chunk).subscriber_ids
    outcomes = [(number, _SENT) for number, name in members.items() if name in listed]
    if chunk.fence is not None:  # the rest is settled by its journal, or uncertain
        return len(chunks.record(chunk.fence, outcomes, now))
    (fence,) = fetch_row("SELECT nextval('relays_fences')")
    Chunk.objects.filter(pk=key).update(fence=fence)
    recorded = len(chunks.record(fence, outcomes, now))
    chunks.release(fence)
    return recorded


def _settle_rows(issue: Issue, subscriber_ids: Sequence[int], now: datetime) -> int:
    rows = Delivery.objects.filter(issue=issue, subscriber__in=subscriber_ids, state__in=_OPEN)
    return rows.update(state=State.SENT, settled_at=now, fence=None, reply=SENT_BY_LOG)


def _insert_missing(issue: Issue, subscriber_ids: Sequence[int], now: datetime) -> int:
    """Insert deliveries for subscribers who have none, because the issue is not planned yet."""
    planned = AnyDelivery.objects.filter(issue=issue, subscriber__in=subscriber_ids)
    missing = set(subscriber_ids).difference(planned.values_list("subscriber_id", flat=True))
    rows = [
        Delivery(
            issue=issue,
            subscriber_id=key,
            state=State.SENT,
            due_at=now,
            attempts=1,
            first_attempt_at=now,
            settled_at=now,
            reply=SENT_BY_LOG,
        )
        for key in sorted(missing)
    ]
    return len(Delivery.objects.bulk_create(rows))
