"""Claiming deliveries: rows that are tried again, and chunks of those that were not tried.

The statements behind `digest.sending.ledger.claim`. Each runs in a transaction of its own, and
joins what is due with the one rule of who may be mailed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from digest.core.database.statements import fetch_row
from digest.issues.models import Issue
from digest.sending import chunks
from digest.sending.models import SQL_STATES, Delivery
from digest.subscribers.audience import Audience, eligible
from digest.subscribers.segments.membership import segment_ids


class ClaimedDelivery(NamedTuple):
    """A claimed delivery, with what is needed to compose its message."""

    id: int
    subscriber_id: int
    subscriber_uuid: UUID
    email: str
    name: str
    attempts: int  # before this claim
    first_attempt_at: datetime | None
    topics: Sequence[str] = ()  # that the subscriber chose; none: everything
    without_appeals: Sequence[int] | None = None  # ids of those that it goes out without
    muted_topics: Sequence[str] = ()  # whose stories are left out
    segments: Sequence[int] = ()  # ids of those of the issue's blocks that they belong to


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries of one issue, claimed together."""

    fence: int
    issue: Issue
    rows: Sequence[ClaimedDelivery]
    audience: Audience  # that the claim was made for
    suppressed: int = 0  # deliveries that were due, may not go out, and were settled by the claim


def is_chunk_next(issue: Issue, now: datetime) -> bool:
    """Return whether a chunk is due, and no row has been due for longer."""
    earliest_row, earliest_chunk = fetch_row(
        _EARLIEST.format(**SQL_STATES), [issue.pk, now, issue.pk, now]
    )
    if earliest_row is None or earliest_chunk is None:
        return earliest_row is None
    return bool(earliest_chunk <= earliest_row)


# One look of each kind into an index, before every claim.
_EARLIEST = """
SELECT (
    SELECT due_at FROM sending_delivery
    WHERE issue_id = %s AND state IN {due} AND due_at <= %s AND subscriber_id IS NOT NULL
    ORDER BY due_at LIMIT 1
), (
    SELECT due_at FROM sending_chunk
    WHERE issue_id = %s AND fence IS NULL AND due_at <= %s
    ORDER BY due_at LIMIT 1
)
"""


@transaction.atomic
def claim_rows(
    issue: Issue, limit: int, now: datetime, audience: Audience, journal: str
) -> list[tuple[Any, ...]]:
    """Claim rows; return the fence, whether it may go out, and the fields of each."""
    due = Delivery.objects.filter(issue=issue, state__in=Delivery.DUE, due_at__lte=now)
    if not due.filter(subscriber__isnull=False).exists():
        return []
    rule, parameters = decisions(issue, now, audience, "due")
    with connection.cursor() as cursor:
        cursor.execute(CHEAP_RANDOM_PAGES)
        cursor.execute(
            _CLAIM.format(decisions=rule, subscriber=_SUBSCRIBER, **SQL_STATES),
            [
                *(issue.pk, now, issue.pk, issue.revision, limit),
                *(issue.pk, journal, settings.DIGEST_LEASE_SECONDS, *parameters),
            ],
        )
        return list(cursor.fetchall())


@transaction.atomic
def claim_chunk(
    issue: Issue, limit: int, now: datetime, audience: Audience, journal: str
) -> list[tuple[Any, ...]]:
    """Claim from a chunk; return the same of each delivery as `claim_rows`."""
    with connection.cursor() as cursor:
        cursor.execute(CHEAP_RANDOM_PAGES)
        cursor.execute("SELECT nextval('relays_fences')")
        (fence,) = cursor.fetchone()
        members = chunks.claim(issue, limit, fence, now)
        if members is None:
            return []
        cursor.execute(_LEASE, [fence, issue.pk, journal, settings.DIGEST_LEASE_SECONDS])
        rule, parameters = decisions(issue, now, audience, "due")
        keys, subscriber_ids = zip(*members.subscriber_ids.items(), strict=True)
        cursor.execute(
            _MEMBERS.format(decisions=rule, subscriber=_SUBSCRIBER),
            [list(keys), list(subscriber_ids), *parameters, fence],
        )
        return list(cursor.fetchall())


# For this transaction. The optimizer assumes that a random page costs four times a sequential one,
# as on a turning disk, and would read every subscriber and every delivery for a batch of 500.
CHEAP_RANDOM_PAGES = "SET LOCAL random_page_cost = 1.1"

_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id, subscriber_id FROM sending_delivery
    WHERE issue_id = %s AND state IN {due} AND due_at <= %s AND subscriber_id IS NOT NULL
        AND EXISTS (SELECT FROM issues_issue WHERE id = %s AND state = 'sending' AND revision = %s)
    ORDER BY due_at, id
    LIMIT %s
    FOR UPDATE SKIP LOCKED
), token AS (
    INSERT INTO sending_claim (fence, issue_id, journal, lease_until)
    SELECT nextval('relays_fences'), %s, %s, now() + make_interval(secs => %s)
    WHERE EXISTS (SELECT FROM due)
    RETURNING fence
), {decisions}
UPDATE sending_delivery AS delivery
SET state = {claimed}, fence = token.fence
FROM token, decision JOIN {subscriber} ON true
WHERE delivery.id = decision.id
RETURNING token.fence, decision.may_go, delivery.id, subscriber.id,
    subscriber.uuid, subscriber.email, subscriber.name, delivery.attempts,
    delivery.first_attempt_at, coalesce(decision.topics, '{{}}'), delivery.without_appeals,
    coalesce(decision.muted_topics, '{{}}'), coalesce(decision.segments, '{{}}')
"""


_LEASE = """
INSERT INTO sending_claim (fence, issue_id, journal, lease_until)
VALUES (%s, %s, %s, now() + make_interval(secs => %s))
"""

# Nobody may mail a subscriber who does not exist any more.
_MEMBERS = """
WITH due AS MATERIALIZED (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[]) AS due(id, subscriber_id)
), {decisions}
SELECT %s::bigint, decision.may_go, decision.id, decision.subscriber_id,
    subscriber.uuid, coalesce(subscriber.email, ''), coalesce(subscriber.name, ''), 0, NULL,
    coalesce(decision.topics, '{{}}'), NULL, coalesce(decision.muted_topics, '{{}}'),
    coalesce(decision.segments, '{{}}')
FROM decision LEFT JOIN {subscriber} ON true
ORDER BY decision.id
"""


def decisions(issue: Issue, now: datetime, audience: Audience, batch: str) -> tuple[str, list[Any]]:
    """Return the one rule of who may be mailed, as SQL with its parameters.

    These are common table expressions. The last one, `decision`, has a row for each `id` and
    `subscriber_id` of a former one, `batch`: `may_go`, and what the subscriber chose.
    """
    columns = ("subscriber_id", "topics", "muted_topics")
    belongs_to = segment_ids(audience.segments, "subscriber_id")
    subscriptions = eligible(issue.newsletter_id, now, audience).values(
        *columns, segments=belongs_to
    )
    query, parameters = subscriptions.query.sql_with_params()
    return _DECISIONS.format(eligible=query, batch=batch), list(parameters)


# A claim must not cost more with a larger audience, whatever the optimizer believes: after a large
# import its statistics are wrong for a while, and it would read all subscriptions for a batch of
# 500. So the rule is applied to the batch's subscriptions, which stand here for the table; and the
# join is a full one, though `eligible` has nobody else, because that is never a nested loop.
_DECISIONS = """subscribers_subscription AS MATERIALIZED (
    SELECT subscription.* FROM {batch} CROSS JOIN LATERAL (
        SELECT * FROM subscribers_subscription WHERE subscriber_id = {batch}.subscriber_id OFFSET 0
    ) AS subscription
), eligible AS MATERIALIZED (
    {eligible}
), decision AS MATERIALIZED (
    SELECT batch.id, batch.subscriber_id, eligible.subscriber_id IS NOT NULL AS may_go,
        eligible.topics, eligible.muted_topics, eligible.segments
    FROM {batch} AS batch FULL JOIN eligible ON eligible.subscriber_id = batch.subscriber_id
)"""
_SUBSCRIBER = """LATERAL (
    SELECT * FROM subscribers_subscriber WHERE id = decision.subscriber_id OFFSET 0
) AS subscriber"""
