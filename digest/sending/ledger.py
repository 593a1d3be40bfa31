"""The ledger: deliveries change their state here.

    claim              rows that are due and may go out become ours, under a lease and a fence
    recheck            may they still? asked every second or so while they are in flight
    record             the outcomes of many deliveries
    release            what was claimed and not begun becomes due again
    renew              the lease, while the sender lives
    erase_subscriber   nothing more is sent, and no row says whose it was

Most deliveries have no row before they are sent: they are claimed and settled in chunks
(digest.sending.chunks). What has a row, because it is tried again, takes its turn among them: what
has been due for longest is claimed first, and a delivery that comes back unsent is due again.

What is begun is written to the sender's own journal (digest.sending.journal) before it leaves;
`digest.sending.sweeping` brings ledger and journal together when a sender dies.

A worker that was frozen for longer than its lease comes back with a fence that no row has any more,
so nothing it reports is recorded, and it sends nothing more. One exception: the relay's late reply
to a message that became uncertain meanwhile settles it.

Leases go by the database's clock, the only one that all workers share.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from digest.core.database.statements import fetch_column
from digest.issues.models import Issue
from digest.relays.retries import Outcome
from digest.sending import chunks, claiming
from digest.sending.claiming import (
    CHEAP_RANDOM_PAGES,
    Batch,
    ClaimedDelivery,
)
from digest.sending.models import SQL_STATES, Chunk, Claim, Delivery, PastDelivery
from digest.subscribers.audience import Audience, exclusion_reasons
from digest.subscribers.models import Subscriber

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Recheck:
    """The result of checking a batch again."""

    sendable: frozenset[int]  # ids that may still go out
    is_sending: bool  # the issue is neither paused nor cancelled, nor changed since the claim
    is_ours: bool  # the claim exists, and its lease has not run out
    suppressed: int = 0  # deliveries that may not go out any more, and were settled


def due_issues(now: datetime) -> QuerySet[Issue]:
    """Return the issues that are going out and have something due, oldest slot first."""
    of_issue = {"issue": OuterRef("pk"), "due_at__lte": now}
    rows = Delivery.objects.filter(**of_issue, state__in=Delivery.DUE, subscriber__isnull=False)
    untried = Chunk.objects.filter(**of_issue, fence=None)
    due = Exists(rows) | Exists(untried)
    return (
        Issue.objects.filter(due, state=Issue.State.SENDING, planned_at__isnull=False)
        .select_related("newsletter__publication")
        .order_by("slot", "pk")
    )


def claim(issue: Issue, limit: int, now: datetime, audience: Audience, journal: str = "") -> Batch:
    """Claim up to `limit` deliveries that are due and may go out; no two callers get the same.

    `audience` says whose choices the issue matches, `journal` names the file in which the caller
    writes what it begins. Deliveries that may not go out any more are settled at the same time, so
    a batch may be empty while more is due. It is also empty once the issue is paused, cancelled, or
    has another revision than `issue`.
    """
    first, second = claiming.claim_rows, claiming.claim_chunk
    if claiming.is_chunk_next(issue, now):
        first, second = second, first
    claimed = first(issue, limit, now, audience, journal)
    claimed = claimed or second(issue, limit, now, audience, journal)
    rows = [ClaimedDelivery._make(fields[2:]) for fields in claimed if fields[1]]
    excluded = [ClaimedDelivery._make(fields[2:]) for fields in claimed if not fields[1]]
    batch = Batch(claimed[0][0] if claimed else 0, issue, rows, audience, len(excluded))
    _suppress(batch, excluded, now)
    if claimed and not rows:
        drop(batch.fence)
    return batch


@transaction.atomic
def recheck(batch: Batch, rows: Collection[ClaimedDelivery], now: datetime) -> Recheck:
    """Return which of the claimed rows may still go out; settle those that may not.

    Checks again, in one statement: our claim and lease, the issue's state, the subscription, its
    cadence and topics, pauses and suppressions.
    """
    rule, parameters = claiming.decisions(batch.issue, now, batch.audience, "claimed")
    with connection.cursor() as cursor:
        cursor.execute(CHEAP_RANDOM_PAGES)
        cursor.execute(
            _RECHECK.format(decisions=rule, **SQL_STATES),
            [
                *(batch.issue.revision, batch.issue.pk, batch.fence),
                *([row.id for row in rows], batch.fence),
                *(batch.fence, [row.id for row in rows], *parameters),
            ],
        )
        is_sending, is_leased, claimed, sendable = cursor.fetchone()
    if not is_leased or not is_sending:
        return Recheck(frozenset(), bool(is_sending), is_ours=bool(is_leased))
    excluded_ids = set(claimed).difference(sendable)
    _suppress(batch, [row for row in rows if row.id in excluded_ids], now)
    return Recheck(frozenset(sendable), is_sending=True, is_ours=True, suppressed=len(excluded_ids))


_RECHECK = """
WITH issue AS (
    SELECT state = 'sending' AND revision = %s AS sending FROM issues_issue WHERE id = %s
), lease AS (SELECT lease_until > now() AS valid FROM sending_claim WHERE fence = %s
), claimed AS MATERIALIZED (
    SELECT id, subscriber_id FROM sending_delivery
    WHERE id = ANY(%s) AND fence = %s AND state = {claimed}
    UNION ALL
    SELECT id, subscriber_id FROM (
        SELECT first_id + place - 1 AS id, subscriber_id
        FROM sending_chunk, unnest(subscriber_ids) WITH ORDINALITY AS member(subscriber_id, place)
        WHERE fence = %s
    ) AS members
    WHERE subscriber_id IS NOT NULL AND id = ANY(%s)
), {decisions}
SELECT coalesce((SELECT sending FROM issue), false), (SELECT valid FROM lease),
    ARRAY(SELECT id FROM decision), ARRAY(SELECT id FROM decision WHERE may_go)
"""


def record(batch: Batch, outcomes: Sequence[tuple[int, Outcome]], now: datetime) -> frozenset[int]:
    """Record outcomes by delivery id; return the ids that were still ours to record.

    With the outcome "queued" a delivery was not attempted, and becomes due again.
    """
    recorded = chunks.record(batch.fence, outcomes, now) if outcomes else frozenset()
    row_outcomes = [(key, outcome) for key, outcome in outcomes if key not in recorded]
    return recorded | _record_rows(batch.fence, row_outcomes, now) if row_outcomes else recorded


def _record_rows(
    fence: int, outcomes: Sequence[tuple[int, Outcome]], now: datetime
) -> frozenset[int]:
    columns = chunks.outcome_columns([outcome for _, outcome in outcomes], now)
    return frozenset(
        fetch_column(
            _RECORD.format(**SQL_STATES), [now, [key for key, _ in outcomes], *columns, fence]
        )
    )


_RECORD = """
UPDATE sending_delivery AS delivery
SET state = outcome.state,
    due_at = coalesce(outcome.due_at, delivery.due_at),
    settled_at = outcome.settled_at,
    reply_code = outcome.code,
    reply = outcome.reply,
    attempts = delivery.attempts + (outcome.attempted AND delivery.state = {claimed})::int,
    first_attempt_at = CASE WHEN outcome.attempted THEN coalesce(delivery.first_attempt_at, %s)
        ELSE delivery.first_attempt_at END,
    times_uncertain = delivery.times_uncertain
        + (outcome.state = {uncertain} AND delivery.state = {claimed})::int,
    fence = CASE WHEN outcome.state = {uncertain} THEN delivery.fence END
FROM unnest(%s::bigint[], %s::smallint[], %s::timestamptz[], %s::timestamptz[], %s::smallint[],
    %s::text[], %s::bool[]) AS outcome(id, state, due_at, settled_at, code, reply, attempted)
WHERE delivery.id = outcome.id AND delivery.fence = %s
    AND delivery.state IN ({claimed}, {uncertain})
RETURNING delivery.id
"""


def release(batch: Batch, ids: Iterable[int] | None = None) -> None:
    """Make deliveries due again that were claimed and not begun: these, or all that are left."""
    keys = None if ids is None else list(ids)
    chunks.release(batch.fence, keys)
    rows = Delivery.objects.filter(fence=batch.fence, state=State.CLAIMED)
    if keys is not None:
        rows = rows.filter(pk__in=keys)
    rows.update(state=State.QUEUED, fence=None)


def drop(fence: int) -> None:
    """Delete a claim none of whose deliveries is in flight any more.

    One that still has some is left to the sweep, which has its journal.
    """
    if not Chunk.objects.filter(fence=fence).exists():
        Claim.objects.filter(pk=fence).delete()


def is_claimed(journal: str) -> bool:
    """Return whether anything is claimed under a journal's name."""
    return Claim.objects.filter(journal=journal).exists()


def is_sending() -> bool:
    """Return whether a sender that lives has claimed anything."""
    return Claim.objects.filter(lease_until__gt=Now()).exists()


def renew(fences: Collection[int]) -> frozenset[int]:
    """Extend leases from now on; return the fences whose lease had not run out."""
    return frozenset(
        fetch_column(
            "UPDATE sending_claim SET lease_until = now() + make_interval(secs => %s) "
            "WHERE fence = ANY(%s) AND lease_until > now() RETURNING fence",
            [settings.DIGEST_LEASE_SECONDS, list(fences)],
        )
    )


def erase_subscriber(subscriber_id: int, now: datetime) -> None:
    """Settle what a subscriber has still to get, and remove them from all their deliveries.

    Runs in the caller's transaction, which erases the subscriber. A worker that has one of the rows
    in flight finds its claim gone. What is uncertain stays so, and is not sent again. The relay's
    replies are deleted too: they quote addresses. What was sent at once becomes anonymous when the
    subscriber is deleted (sql/chunks.sql).
    """
    # Whoever gives one of their deliveries a row at this moment waits for the one or the other.
    Subscriber.objects.select_for_update().filter(pk=subscriber_id).first()
    chunks.erase(subscriber_id, now)
    deliveries = Delivery.objects.filter(subscriber=subscriber_id)
    list(deliveries.select_for_update().order_by("pk").values_list("pk"))
    anonymous = {"subscriber": None, "fence": None}
    deliveries.exclude(state__in=Delivery.PENDING).update(**anonymous, reply="")
    deliveries.update(**anonymous, state=State.SUPPRESSED, settled_at=now, reply=chunks.ERASED)
    # Whoever was archiving one of them has finished: we waited for their locks above.
    PastDelivery.objects.filter(subscriber=subscriber_id).update(subscriber=None, reply="")


def _suppress(batch: Batch, rows: Sequence[ClaimedDelivery], now: datetime) -> None:
    """Record why rows may not go out."""
    if not rows:
        return
    reasons = exclusion_reasons(
        batch.issue.newsletter_id, [row.subscriber_id for row in rows], now, batch.audience
    )
    outcomes = [
        (row.id, Outcome(State.SUPPRESSED, None, reasons[row.subscriber_id])) for row in rows
    ]
    record(batch, outcomes, now)
