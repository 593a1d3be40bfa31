"""Designs without rows before there is an outcome; the ledger is one of them."""

from benchmarks._ledger.statements import (
    BATCH,
    RUNNABLE,
    Batch,
    copy,
    fences,
    fetch,
    make_replies,
    members,
    run,
)

CHUNKS = """
DROP TABLE IF EXISTS chunks, sent;
CREATE TABLE chunks (first_id bigint PRIMARY KEY, issue_id bigint NOT NULL, fence bigint,
    due_at timestamptz NOT NULL, subscriber_ids bigint[] NOT NULL, replies text[]);
CREATE INDEX ON chunks (issue_id, due_at, first_id) WHERE fence IS NULL;
CREATE INDEX ON chunks (fence);
CREATE TABLE sent (issue_id bigint NOT NULL, subscriber_id bigint NOT NULL, id bigint NOT NULL,
    at timestamptz NOT NULL, code smallint, reply text NOT NULL, UNIQUE (issue_id, subscriber_id))
"""
TWO_KEYS = f"{CHUNKS}; CREATE INDEX ON sent (subscriber_id)"


def plan_chunks(issue: int) -> None:
    run(
        "INSERT INTO chunks (first_id, issue_id, due_at, subscriber_ids)"
        f" SELECT part * {BATCH} + 1, %s, now(), array_agg(id ORDER BY id) FROM (SELECT id,"
        f" (row_number() OVER (ORDER BY id) - 1) / {BATCH} AS part FROM subscribers_subscriber)"
        " AS parts GROUP BY part",
        issue,
    )


def claim_chunk(issue: int) -> Batch | None:
    fence = next(fences)
    claimed = fetch(
        "UPDATE chunks SET fence = %s WHERE first_id = (SELECT first_id FROM chunks WHERE issue_id"
        f" = %s AND fence IS NULL AND due_at <= now() AND {RUNNABLE} ORDER BY due_at, first_id"
        " LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING first_id, subscriber_ids",
        *(fence, issue, issue),
    )
    if not claimed:
        return None
    [(first, subscriber_ids)] = claimed
    places = members(issue, subscriber_ids)
    return Batch(fence, [(first + place - 1, subscriber_ids[place - 1]) for place in places])


def record_folded(_issue: int, batch: Batch) -> None:
    run(
        "UPDATE chunks SET replies = %s, fence = 0 WHERE fence = %s",
        *(make_replies(len(batch.rows)), batch.fence),
    )


def record_sent(issue: int, batch: Batch) -> None:
    from django.db import transaction

    from tests.cast import NOON

    replies = make_replies(len(batch.rows))
    with transaction.atomic():
        fetch("SELECT first_id FROM chunks WHERE fence = %s FOR UPDATE", batch.fence)
        rows = (
            (issue, subscriber, delivery, NOON, 250, reply)
            for (delivery, subscriber), reply in zip(batch.rows, replies, strict=True)
        )
        copy("sent (issue_id, subscriber_id, id, at, code, reply)", rows)
        run("DELETE FROM chunks WHERE fence = %s", batch.fence)


def plan_issue(issue: int) -> None:
    from django.db import transaction

    from digest.issues.models import Issue
    from digest.newsletters.zones import Times
    from digest.sending.planning import inserting
    from digest.subscribers.audience import eligible
    from tests.cast import NOON

    row = Issue.objects.get(pk=issue)
    plan = inserting.Plan(row, eligible(row.newsletter_id, NOON), Times(row.slot, {}))
    last: int | None = 0
    while last is not None:
        with transaction.atomic():
            last = inserting.insert_step(plan, last)


def claim_batch(issue: int) -> Batch | None:
    from digest.issues.models import Issue
    from digest.sending import ledger
    from digest.subscribers.audience import FOR_ALL
    from tests.cast import NOON

    claimed = ledger.claim(Issue.objects.get(pk=issue), BATCH, NOON, FOR_ALL)
    rows = [(row.id, row.subscriber_id) for row in claimed.rows]
    return Batch(claimed.fence, rows) if rows else None


def record_batch(issue: int, batch: Batch) -> None:
    from digest.issues.models import Issue
    from digest.relays.retries import Outcome
    from digest.sending import claiming, ledger
    from digest.sending.models import Delivery
    from digest.subscribers.audience import FOR_ALL
    from tests.cast import NOON

    sent, replies = Delivery.State.SENT, make_replies(len(batch.rows))
    outcomes = [
        (delivery, Outcome(sent, 250, reply, attempted=True))
        for (delivery, _), reply in zip(batch.rows, replies, strict=True)
    ]
    claimed = claiming.Batch(batch.fence, Issue.objects.get(pk=issue), (), FOR_ALL)
    ledger.record(claimed, outcomes, NOON)
    ledger.drop(batch.fence)
