"""The ledger: who has what, and what nobody can know. Deliveries change their state here.

    claim        rows that are due and may go out become ours, under a lease and a fencing token
    look_again   may they still? asked every second or so of what is in hand
    record       the relay's word on many of them, or that there is none
    release      what was claimed and not begun goes back
    renew        the lease, while the sender lives
    forget       a subscriber is erased: nothing more is sent, and no row knows whose it was

What is begun is noted in the sender's own journal (digest.sending.journal) before it leaves;
`digest.sending.sweeping` brings ledger and journal together when a sender dies.

A worker that was frozen for longer than its lease comes back with a fence that no row bears any
more, so nothing it says is recorded and nothing more is sent. The exception is the relay's late
word on a message that is uncertain since: it resolves the doubt.

Leases go by the database's clock, the only one that all workers share.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from digest.issues.models import Issue
from digest.relays.retries import Outcome
from digest.sending.models import Claim, Delivery, PastDelivery
from digest.sending.segmentation import subscribers_of
from digest.subscribers.audience import Audience, eligible, why_not
from digest.subscribers.models import Subscriber

State = Delivery.State
_TO_COME = [State.QUEUED, State.CLAIMED, State.DEFERRED]

UNCERTAIN_REPLY = (
    "Uncertain: the worker ended, or the line broke, before the relay's word was known."
)
ERASED = "The subscriber was erased."


@dataclass(frozen=True, slots=True)
class Row:
    """A claimed delivery."""

    id: int
    subscriber_id: int
    email: str
    name: str
    attempts: int  # before this claim
    first_attempt_at: datetime | None
    topics: Sequence[str] = ()  # that the subscriber chose; none: everything


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one issue, claimed together."""

    fence: int
    issue: Issue
    rows: Sequence[Row]
    audience: Audience  # what subscribers' choices are held against
    suppressed: int = 0  # found by the claim, and settled


@dataclass(frozen=True, slots=True)
class Look:
    """What a second look at a batch found."""

    wanted: frozenset[int]  # ids that may still go out
    sending: bool  # the issue is neither paused nor cancelled
    held: bool  # the claim is still ours
    suppressed: int = 0  # found now, and settled


def due_issues(now: datetime) -> QuerySet[Issue]:
    """Return the issues that are going out and have something due, oldest slot first."""
    due = Delivery.objects.filter(
        issue=OuterRef("pk"), due_at__lte=now, state__in=[0, 2], subscriber__isnull=False
    )
    return (
        Issue.objects.filter(Exists(due), state=Issue.State.SENDING, planned_at__isnull=False)
        .select_related("newsletter__publication")
        .order_by("slot", "pk")
    )


@transaction.atomic
def claim(
    issue: Issue, limit: int, now: datetime, audience: Audience | None = None, journal: str = ""
) -> Batch:
    """Claim up to `limit` deliveries that are due and may go out; no two callers get the same.

    `journal` names the book in which the caller notes what it begins. What may not go out any more
    is settled on the way, so a batch may be empty while more is due. Without `audience`,
    subscribers of every topic are in.
    """
    audience = audience or Audience(subscribers_of(issue))
    wanted, about = _wanted(issue, now, audience)
    with connection.cursor() as cursor:
        cursor.execute(_ROW_BY_ROW)
        cursor.execute(
            _CLAIM.format(wanted=wanted),
            [issue.pk, now, limit, issue.pk, journal, settings.DIGEST_LEASE_SECONDS, *about],
        )
        found = cursor.fetchall()
    rows = [Row(*fields) for _, may, *fields in found if may]
    batch = Batch(found[0][0] if found else 0, issue, rows, audience, len(found) - len(rows))
    unwanted = [Row(*fields) for _, may, *fields in found if not may]
    settle_unwanted(batch, unwanted, now)
    if found and not rows:
        drop(batch.fence)
    return batch


# For this transaction. The optimizer takes it that a page out of order costs four in order, as on a
# turning disk, and would read every subscriber and every delivery for a batch of five hundred.
_ROW_BY_ROW = "SET LOCAL random_page_cost = 1.1"

_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id, subscriber_id FROM sending_delivery
    WHERE issue_id = %s AND state IN (0, 2) AND due_at <= %s AND subscriber_id IS NOT NULL
    ORDER BY due_at, id
    LIMIT %s
    FOR UPDATE SKIP LOCKED
), token AS (
    INSERT INTO sending_claim (fence, issue_id, journal, lease_until)
    SELECT nextval('relays_fences'), %s, %s, now() + make_interval(secs => %s)
    WHERE EXISTS (SELECT FROM due)
    RETURNING fence
), wanted AS (
    SELECT choice.* FROM ({wanted}) AS choice JOIN due USING (subscriber_id)
)
UPDATE sending_delivery AS delivery
SET state = 1, fence = token.fence
FROM token, due
JOIN subscribers_subscriber AS subscriber ON subscriber.id = due.subscriber_id
LEFT JOIN wanted ON wanted.subscriber_id = due.subscriber_id
WHERE delivery.id = due.id
RETURNING token.fence, wanted.subscriber_id IS NOT NULL, delivery.id, subscriber.id, subscriber.email,
    subscriber.name, delivery.attempts, delivery.first_attempt_at, coalesce(wanted.topics, '{{}}')
"""


@transaction.atomic
def look_again(batch: Batch, rows: Collection[Row], now: datetime) -> Look:
    """Say which of the claimed rows may still go out; settle those that may not.

    Our claim and lease, the issue's state, the subscription, its cadence and topics, pauses and
    suppressions: everything is looked at once more, in one statement.
    """
    wanted, about = _wanted(batch.issue, now, batch.audience)
    with connection.cursor() as cursor:
        cursor.execute(_ROW_BY_ROW)
        cursor.execute(
            _LOOK.format(wanted=wanted),
            [batch.issue.pk, batch.fence, [row.id for row in rows], batch.fence, *about],
        )
        state, held, ours, may = cursor.fetchone()
    sending = state == Issue.State.SENDING
    if not held or not sending:
        return Look(frozenset(), sending, bool(held))
    gone = [row for row in rows if row.id in set(ours) - set(may)]
    settle_unwanted(batch, gone, now)
    return Look(frozenset(may), sending=True, held=True, suppressed=len(gone))


_LOOK = """
WITH state AS (SELECT state FROM issues_issue WHERE id = %s
), lease AS (SELECT lease_until > now() AS held FROM sending_claim WHERE fence = %s
), ours AS MATERIALIZED (
    SELECT id, subscriber_id FROM sending_delivery
    WHERE id = ANY(%s) AND fence = %s AND state = 1
), wanted AS (
    SELECT ours.id FROM ({wanted}) AS choice JOIN ours USING (subscriber_id)
)
SELECT (SELECT state FROM state), (SELECT held FROM lease),
    ARRAY(SELECT id FROM ours), ARRAY(SELECT id FROM wanted)
"""


def record(batch: Batch, outcomes: Sequence[tuple[int, Outcome]], now: datetime) -> frozenset[int]:
    """Record what became of deliveries, by id; return those that were still ours to record.

    An outcome of "queued" takes an attempt back: the message was not handed over.
    """
    if not outcomes:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, [now, *_columns(outcomes, now), batch.fence])
        return frozenset(number for (number,) in cursor.fetchall())


_RECORD = """
UPDATE sending_delivery AS delivery
SET state = word.state,
    due_at = coalesce(word.due_at, delivery.due_at),
    settled_at = word.settled_at,
    reply_code = word.code,
    reply = word.reply,
    attempts = delivery.attempts + (word.attempted AND delivery.state = 1)::int,
    first_attempt_at = CASE WHEN word.attempted THEN coalesce(delivery.first_attempt_at, %s)
        ELSE delivery.first_attempt_at END,
    times_uncertain = delivery.times_uncertain + (word.state = 7 AND delivery.state = 1)::int,
    fence = CASE WHEN word.state = 7 THEN delivery.fence END
FROM unnest(%s::bigint[], %s::smallint[], %s::timestamptz[], %s::timestamptz[], %s::smallint[],
    %s::text[], %s::bool[]) AS word(id, state, due_at, settled_at, code, reply, attempted)
WHERE delivery.id = word.id AND delivery.fence = %s AND delivery.state IN (1, 7)
RETURNING delivery.id
"""


def release(batch: Batch, ids: Iterable[int] | None = None) -> None:
    """Give back what was claimed and not begun: these, or all that is left."""
    rows = Delivery.objects.filter(fence=batch.fence, state=State.CLAIMED)
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    rows.update(state=State.QUEUED, fence=None)


def drop(fence: int) -> None:
    """Let go of a claim none of whose rows is in hand any more."""
    Claim.objects.filter(pk=fence).delete()


def is_claimed(journal: str) -> bool:
    """Say whether anything is claimed under a journal's name."""
    return Claim.objects.filter(journal=journal).exists()


def renew(fences: Collection[int]) -> frozenset[int]:
    """Prolong leases from now on; return the fences that are still ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sending_claim SET lease_until = now() + make_interval(secs => %s) "
            "WHERE fence = ANY(%s) AND lease_until > now() RETURNING fence",
            [settings.DIGEST_LEASE_SECONDS, list(fences)],
        )
        return frozenset(fence for (fence,) in cursor.fetchall())


def settle_unwanted(batch: Batch, rows: Sequence[Row], now: datetime) -> None:
    """Record of rows that may not go out why not."""
    newsletter = batch.issue.newsletter_id
    reasons = [
        (row.id, why_not(newsletter, row.subscriber_id, now, batch.audience)) for row in rows
    ]
    record(batch, [(key, Outcome(State.SUPPRESSED, None, why)) for key, why in reasons], now)


def forget(subscriber_id: int, now: datetime) -> None:
    """Settle what a subscriber is still to be sent, and take them off every row of theirs.

    For the caller's transaction, which erases the subscriber. A worker that has one of the rows in
    hand finds its claim gone. What is uncertain stays so, and is not sent again. The relay's words
    go too: they quote addresses.
    """
    # Whoever plans at this moment waits here, and then finds no such subscriber.
    Subscriber.objects.select_for_update().filter(pk=subscriber_id).first()
    theirs = Delivery.objects.filter(subscriber=subscriber_id)
    list(theirs.select_for_update().order_by("pk").values_list("pk"))
    nobody = {"subscriber": None, "fence": None}
    theirs.exclude(state__in=_TO_COME).update(**nobody, reply="")
    theirs.update(**nobody, state=State.SUPPRESSED, settled_at=now, reply=ERASED)
    # Whoever was putting one of them away is done: their locks were waited for.
    PastDelivery.objects.filter(subscriber=subscriber_id).update(subscriber=None, reply="")


def _wanted(issue: Issue, now: datetime, audience: Audience) -> tuple[str, list[Any]]:
    """Return the one rule of who may be mailed, as SQL with its parameters."""
    subscribers = eligible(issue.newsletter_id, now, audience).values("subscriber_id", "topics")
    query, parameters = subscribers.query.sql_with_params()
    return query, list(parameters)


def _columns(outcomes: Sequence[tuple[int, Outcome]], now: datetime) -> list[list[Any]]:
    words = [outcome for _, outcome in outcomes]
    return [
        [key for key, _ in outcomes],
        [int(word.state) for word in words],
        [word.due_at for word in words],
        [now if word.settled else None for word in words],
        [word.code for word in words],
        [word.reply for word in words],
        [word.attempted for word in words],
    ]
