"""Designs with a row for each subscriber: updated, or never changed."""

from benchmarks._ledger.statements import (
    BATCH,
    RUNNABLE,
    Batch,
    copy,
    eligible,
    fences,
    fetch,
    make_replies,
    members,
    run,
)

_ROWS_INSERT = """
INSERT INTO {table} (issue_id, subscriber_id, state, due_at, attempts, times_uncertain, reply)
SELECT %s, id, 0, now(), 0, 0, '' FROM subscribers_subscriber ORDER BY id
"""
_ROWS_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id, subscriber_id FROM {table}
    WHERE issue_id = %s AND state IN (0, 2) AND due_at <= now() AND subscriber_id IS NOT NULL
        AND {runnable}
    ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
), eligible AS (
    SELECT subscription.* FROM ({eligible}) AS subscription JOIN due USING (subscriber_id)
)
UPDATE {table} AS delivery SET state = 1, fence = %s
FROM due JOIN subscribers_subscriber AS subscriber ON subscriber.id = due.subscriber_id
LEFT JOIN eligible ON eligible.subscriber_id = due.subscriber_id
WHERE delivery.id = due.id
RETURNING delivery.id, subscriber.id, subscriber.uuid, subscriber.email, subscriber.name,
    eligible.subscriber_id IS NOT NULL, eligible.topics, eligible.muted_topics
"""
_ROWS_RECORD = """
UPDATE {table} AS delivery SET state = 3, settled_at = now(), reply_code = 250,
    reply = outcome.reply, attempts = attempts + 1, first_attempt_at = now(), fence = NULL
FROM unnest(%s::bigint[], %s::text[]) AS outcome(id, reply)
WHERE delivery.id = outcome.id AND delivery.fence = %s AND delivery.state IN (1, 7)
"""


def plan_rows(table: str, issue: int) -> None:
    run(_ROWS_INSERT.format(table=table), issue)


def claim_rows(table: str, issue: int) -> Batch | None:
    from django.db import transaction

    query, parameters = eligible(issue)
    statement = _ROWS_CLAIM.format(table=table, runnable=RUNNABLE, eligible=query)
    fence = next(fences)
    with transaction.atomic():
        run("SET LOCAL random_page_cost = 1.1")
        rows = fetch(statement, issue, issue, BATCH, *parameters, fence)
    return Batch(fence, [(row[0], row[1]) for row in rows if row[5]]) if rows else None


def record_rows(table: str, _issue: int, batch: Batch) -> None:
    ids = [delivery for delivery, _ in batch.rows]
    run(_ROWS_RECORD.format(table=table), ids, make_replies(len(ids)), batch.fence)


UPDATED = """
DROP TABLE IF EXISTS updated;
CREATE TABLE updated (id bigserial PRIMARY KEY, issue_id bigint NOT NULL, subscriber_id bigint,
    state smallint NOT NULL, due_at timestamptz NOT NULL, attempts smallint NOT NULL,
    first_attempt_at timestamptz, times_uncertain smallint NOT NULL, fence bigint,
    settled_at timestamptz, reply_code smallint, reply text NOT NULL,
    UNIQUE (issue_id, subscriber_id)) WITH (fillfactor = 50)
"""
RANGED = """
DROP TABLE IF EXISTS ranged, ranges, outcomes;
CREATE TABLE ranged (id bigserial PRIMARY KEY, issue_id bigint NOT NULL
    REFERENCES issues_issue, subscriber_id bigint REFERENCES subscribers_subscriber,
    UNIQUE (issue_id, subscriber_id));
CREATE TABLE ranges (issue_id bigint, first bigint PRIMARY KEY, last bigint, fence bigint);
CREATE TABLE outcomes (delivery_id bigint PRIMARY KEY, at timestamptz, code smallint, reply text)
"""


def plan_updated(issue: int) -> None:
    plan_rows("updated", issue)
    _plan_leases("updated", issue)


def plan_ranged(issue: int) -> None:
    run(
        "INSERT INTO ranged (issue_id, subscriber_id)"
        " SELECT %s, id FROM subscribers_subscriber ORDER BY id",
        issue,
    )
    _plan_leases("ranged", issue)


def _plan_leases(table: str, issue: int) -> None:
    run(
        "INSERT INTO ranges SELECT issue_id, min(id), max(id) FROM (SELECT issue_id, id,"
        f" (row_number() OVER (ORDER BY id) - 1) / {BATCH} AS part FROM {table}"
        " WHERE issue_id = %s) AS parts GROUP BY issue_id, part",
        issue,
    )


def claim_range(table: str, issue: int) -> Batch | None:
    fence = next(fences)
    leased = fetch(
        "UPDATE ranges SET fence = %s WHERE first = (SELECT first FROM ranges WHERE issue_id = %s"
        f" AND fence IS NULL AND {RUNNABLE} ORDER BY first LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " RETURNING first, last",
        *(fence, issue, issue),
    )
    if not leased:
        return None
    rows = fetch(
        f"SELECT id, subscriber_id FROM {table} WHERE id BETWEEN %s AND %s ORDER BY id", *leased[0]
    )
    places = members(issue, [subscriber for _, subscriber in rows])
    return Batch(fence, [rows[place - 1] for place in places])


def record_updated(_issue: int, batch: Batch) -> None:
    ids = [delivery for delivery, _ in batch.rows]
    run(
        "UPDATE updated AS delivery SET state = 3, settled_at = now(), reply_code = 250,"
        " reply = outcome.reply, attempts = attempts + 1, first_attempt_at = now()"
        " FROM unnest(%s::bigint[], %s::text[]) AS outcome(id, reply)"
        " WHERE delivery.id = outcome.id AND delivery.state = 0",
        *(ids, make_replies(len(ids))),
    )
    run("DELETE FROM ranges WHERE fence = %s", batch.fence)


def record_outcomes(_issue: int, batch: Batch) -> None:
    from django.db import transaction

    from tests.cast import NOON

    replies = make_replies(len(batch.rows))
    with transaction.atomic():
        fetch("SELECT first FROM ranges WHERE fence = %s FOR UPDATE", batch.fence)
        rows = (
            (delivery, NOON, 250, reply)
            for (delivery, _), reply in zip(batch.rows, replies, strict=True)
        )
        copy("outcomes (delivery_id, at, code, reply)", rows)
        run("DELETE FROM ranges WHERE fence = %s", batch.fence)
