"""Designs of a ledger, side by side in one PostgreSQL: what a sent delivery costs.

Each plans an issue for the same subscribers, then claims batches of 500 with the real look at who
may still be mailed (subscription, pause, suppression), and records a reply of its own for each:

    rows        a row for each subscriber; an UPDATE to claim it, an UPDATE to record it
    updates     the same rows in no index but two, with room on their pages (heap-only updates)
    ranges      planned rows are never changed: leases on ranges of them, outcomes by COPY
    folded      no rows: chunks of 500 subscribers; their replies are an array in the same row
    chunks      no rows: chunks of 500 subscribers; who was sent the issue is appended by COPY
    two keys    the same, and a second index, by which a subscriber's deliveries are read at once
    ledger      Digest's own, with fences, leases, tally and exceptions: chunks

Printed: µs of the backend's CPU and bytes of WAL for one delivery, apart for planning, claiming and
recording; and the bytes that a sent delivery takes on disk. Medians of DIGEST_ROUNDS (5) rounds in
turns; DIGEST_SUBSCRIBERS (100,000).
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import tests.services  # noqa: F401  starts PostgreSQL, and names it in the environment
from tests import append_only

SUBSCRIBERS = int(os.environ.get("DIGEST_SUBSCRIBERS", "100_000"))
ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "5"))
BATCH = 500
PLANNED, SENT = 0, 3

Row = tuple[int, int]  # the ids of a delivery and its subscriber
fences = count(1)


@dataclass(slots=True)
class Usage:
    """µs of CPU and bytes of WAL for a delivery, a number for each round."""

    cpu: list[float] = field(default_factory=list)
    wal: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Batch:
    """What was claimed: a fence, and the rows that may be mailed."""

    fence: int
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Design:
    """One way to plan, claim and record; each is a generator or function of statements below."""

    tables: str
    plan: Callable[[int], None]
    claim: Callable[[int], Batch | None]
    record: Callable[[int, Batch], None]
    sizes: Sequence[str]  # tables that hold sent deliveries


def main() -> None:
    """Run the designs in turns, and print their medians."""
    newsletter = _set_up()
    results = {name: {part: Usage() for part in ("plan", "claim", "record")} for name in DESIGNS}
    sizes: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, design in DESIGNS.items():
            _run(design.tables)
            _send(design, _issue(newsletter), results[name])
            sizes[name] = sum(map(_size, design.sizes)) / SUBSCRIBERS
    print(f"{SUBSCRIBERS:,} subscribers, batches of {BATCH}, medians of {ROUNDS}")
    for name, parts in results.items():
        figures = "  ".join(
            f"{part} {median(usage.cpu):5.1f} µs {median(usage.wal):6.0f} B"
            for part, usage in parts.items()
        )
        sending = [parts["claim"], parts["record"]]
        cpu = sum(median(usage.cpu) for usage in sending)
        wal = sum(median(usage.wal) for usage in sending)
        print(
            f"   {name:<10} {figures}   sent: {cpu:5.1f} µs {wal:6.0f} B"
            f"  on disk {sizes[name]:.0f} B"
        )


def _set_up() -> int:
    """Make the subscribers and their newsletter; return its id."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    append_only.allow_truncate()
    from tests.cast import make_newsletter

    newsletter = make_newsletter().pk
    _run(
        "INSERT INTO subscribers_subscriber (email, address_key, name, language, timezone,"
        " created_at) SELECT md5(n::text) || '@mail.example', md5(n::text) || '@mail.example', '',"
        " '', '', now() FROM generate_series(1, %s) AS n",
        SUBSCRIBERS,
    )
    _run(
        "INSERT INTO subscribers_subscription (subscriber_id, newsletter_id, state, created_at,"
        " confirmed_at) SELECT id, %s, 'active', now(), now() FROM subscribers_subscriber",
        newsletter,
    )
    _run(
        "INSERT INTO subscribers_suppression (address_key, reason, evidence, created_at)"
        " SELECT md5(n::text) || '@elsewhere.example', 'bounce', '', now()"
        " FROM generate_series(1, %s) AS n",
        SUBSCRIBERS // 100,
    )
    _run("VACUUM ANALYZE")
    return newsletter


def _issue(newsletter: int) -> int:
    from digest.issues.models import Issue
    from digest.newsletters.models import Newsletter
    from tests.cast import NOON, make_issue

    Issue.objects.update(state="sent")
    slot = NOON.replace(hour=0, year=NOON.year - 1 - Issue.objects.count())
    owner = Newsletter.objects.get(pk=newsletter)
    return make_issue(owner, slot=slot, planned_at=slot, state="sending").pk


def _send(design: Design, issue: int, parts: dict[str, Usage]) -> None:
    """Plan, claim and record an issue with one design; note what each part took."""
    used = {name: [0.0, 0.0] for name in parts}

    def measure(part: str, work: Callable[[], Any]) -> Any:
        before = _used()
        result = work()
        for number, (after, start) in enumerate(zip(_used(), before, strict=True)):
            used[part][number] += after - start
        return result

    _run("CHECKPOINT")
    measure("plan", lambda: design.plan(issue))
    _run("ANALYZE sending_delivery")
    _run("CHECKPOINT")
    sent = 0
    while batch := measure("claim", lambda: design.claim(issue)):
        measure("record", partial(design.record, issue, batch))
        sent += len(batch.rows)
    assert sent == SUBSCRIBERS, sent
    for name, (cpu, wal) in used.items():
        parts[name].cpu.append(cpu / SUBSCRIBERS * 1e6)
        parts[name].wal.append(wal / SUBSCRIBERS)


# --- statements that designs share -------------------------------------------------------

_RUNNABLE = "EXISTS (SELECT FROM issues_issue WHERE id = %s AND state = 'sending' AND revision = 1)"

_MEMBERS = """
WITH due AS MATERIALIZED (
    SELECT * FROM unnest(%s::bigint[]) WITH ORDINALITY AS due(subscriber_id, number)
), eligible AS (
    SELECT subscription.* FROM ({eligible}) AS subscription JOIN due USING (subscriber_id)
)
SELECT due.number, subscriber.id, subscriber.uuid, subscriber.email, subscriber.name,
    eligible.subscriber_id IS NOT NULL, eligible.topics, eligible.muted_topics
FROM due JOIN subscribers_subscriber AS subscriber ON subscriber.id = due.subscriber_id
LEFT JOIN eligible ON eligible.subscriber_id = due.subscriber_id
ORDER BY due.number
"""


def _members(issue: int, subscriber_ids: Sequence[int]) -> list[int]:
    """Read what mails need of subscribers, and who may be mailed; return the latter's places."""
    from django.db import transaction

    query, parameters = _eligible(issue)
    with transaction.atomic():
        _run("SET LOCAL random_page_cost = 1.1")
        rows = _fetch(_MEMBERS.format(eligible=query), list(subscriber_ids), *parameters)
    return [row[0] for row in rows if row[5]]


def _eligible(issue: int) -> tuple[str, tuple[Any, ...]]:
    """Return the rule of who may be mailed, as the ledger uses it."""
    from digest.issues.models import Issue
    from digest.subscribers.audience import eligible
    from tests.cast import NOON

    newsletter = Issue.objects.values_list("newsletter", flat=True).get(pk=issue)
    columns = ("subscriber_id", "topics", "muted_topics")
    query, parameters = eligible(newsletter, NOON).values(*columns).query.sql_with_params()
    return query, tuple(parameters)


def _replies(number: int) -> list[str]:
    return [f"2.0.0 Ok: queued as {next(queue_ids):010X}" for _ in range(number)]


queue_ids = count(0x4F8BA12C0D, 7919)


def _copy(target: str, rows: Iterator[tuple[Any, ...]]) -> None:
    from django.db import connection

    with connection.cursor() as cursor, cursor.cursor.copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


# --- rows: as it was ---------------------------------------------------------------------

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


def _plan_rows(table: str, issue: int) -> None:
    _run(_ROWS_INSERT.format(table=table), issue)


def _claim_rows(table: str, issue: int) -> Batch | None:
    from django.db import transaction

    query, parameters = _eligible(issue)
    statement = _ROWS_CLAIM.format(table=table, runnable=_RUNNABLE, eligible=query)
    fence = next(fences)
    with transaction.atomic():
        _run("SET LOCAL random_page_cost = 1.1")
        rows = _fetch(statement, issue, issue, BATCH, *parameters, fence)
    return Batch(fence, [(row[0], row[1]) for row in rows if row[5]]) if rows else None


def _record_rows(table: str, _issue: int, batch: Batch) -> None:
    ids = [delivery for delivery, _ in batch.rows]
    _run(_ROWS_RECORD.format(table=table), ids, _replies(len(ids)), batch.fence)


# --- ranges: rows that are never changed ---------------------------------------------------

_UPDATED = """
DROP TABLE IF EXISTS updated;
CREATE TABLE updated (id bigserial PRIMARY KEY, issue_id bigint NOT NULL, subscriber_id bigint,
    state smallint NOT NULL, due_at timestamptz NOT NULL, attempts smallint NOT NULL,
    first_attempt_at timestamptz, times_uncertain smallint NOT NULL, fence bigint,
    settled_at timestamptz, reply_code smallint, reply text NOT NULL,
    UNIQUE (issue_id, subscriber_id)) WITH (fillfactor = 50)
"""
_RANGED = """
DROP TABLE IF EXISTS ranged, ranges, outcomes;
CREATE TABLE ranged (id bigserial PRIMARY KEY, issue_id bigint NOT NULL
    REFERENCES issues_issue, subscriber_id bigint REFERENCES subscribers_subscriber,
    UNIQUE (issue_id, subscriber_id));
CREATE TABLE ranges (issue_id bigint, first bigint PRIMARY KEY, last bigint, fence bigint);
CREATE TABLE outcomes (delivery_id bigint PRIMARY KEY, at timestamptz, code smallint, reply text)
"""


def _plan_updated(issue: int) -> None:
    _plan_rows("updated", issue)
    _plan_leases("updated", issue)


def _plan_ranged(issue: int) -> None:
    _run(
        "INSERT INTO ranged (issue_id, subscriber_id)"
        " SELECT %s, id FROM subscribers_subscriber ORDER BY id",
        issue,
    )
    _plan_leases("ranged", issue)


def _plan_leases(table: str, issue: int) -> None:
    _run(
        "INSERT INTO ranges SELECT issue_id, min(id), max(id) FROM (SELECT issue_id, id,"
        f" (row_number() OVER (ORDER BY id) - 1) / {BATCH} AS part FROM {table}"
        " WHERE issue_id = %s) AS parts GROUP BY issue_id, part",
        issue,
    )


def _claim_range(table: str, issue: int) -> Batch | None:
    fence = next(fences)
    leased = _fetch(
        "UPDATE ranges SET fence = %s WHERE first = (SELECT first FROM ranges WHERE issue_id = %s"
        f" AND fence IS NULL AND {_RUNNABLE} ORDER BY first LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " RETURNING first, last",
        *(fence, issue, issue),
    )
    if not leased:
        return None
    rows = _fetch(
        f"SELECT id, subscriber_id FROM {table} WHERE id BETWEEN %s AND %s ORDER BY id", *leased[0]
    )
    places = _members(issue, [subscriber for _, subscriber in rows])
    return Batch(fence, [rows[place - 1] for place in places])


def _record_updated(_issue: int, batch: Batch) -> None:
    ids = [delivery for delivery, _ in batch.rows]
    _run(
        "UPDATE updated AS delivery SET state = 3, settled_at = now(), reply_code = 250,"
        " reply = outcome.reply, attempts = attempts + 1, first_attempt_at = now()"
        " FROM unnest(%s::bigint[], %s::text[]) AS outcome(id, reply)"
        " WHERE delivery.id = outcome.id AND delivery.state = 0",
        *(ids, _replies(len(ids))),
    )
    _run("DELETE FROM ranges WHERE fence = %s", batch.fence)


def _record_outcomes(_issue: int, batch: Batch) -> None:
    from django.db import transaction

    from tests.cast import NOON

    replies = _replies(len(batch.rows))
    with transaction.atomic():
        _fetch("SELECT first FROM ranges WHERE fence = %s FOR UPDATE", batch.fence)
        rows = (
            (delivery, NOON, 250, reply)
            for (delivery, _), reply in zip(batch.rows, replies, strict=True)
        )
        _copy("outcomes (delivery_id, at, code, reply)", rows)
        _run("DELETE FROM ranges WHERE fence = %s", batch.fence)


# --- chunks: no rows before there is an outcome ----------------------------------------------

_CHUNKS = """
DROP TABLE IF EXISTS chunks, sent;
CREATE TABLE chunks (first_id bigint PRIMARY KEY, issue_id bigint NOT NULL, fence bigint,
    due_at timestamptz NOT NULL, subscriber_ids bigint[] NOT NULL, replies text[]);
CREATE INDEX ON chunks (issue_id, due_at, first_id) WHERE fence IS NULL;
CREATE INDEX ON chunks (fence);
CREATE TABLE sent (issue_id bigint NOT NULL, subscriber_id bigint NOT NULL, id bigint NOT NULL,
    at timestamptz NOT NULL, code smallint, reply text NOT NULL, UNIQUE (issue_id, subscriber_id))
"""
_TWO_KEYS = f"{_CHUNKS}; CREATE INDEX ON sent (subscriber_id)"


def _plan_chunks(issue: int) -> None:
    _run(
        "INSERT INTO chunks (first_id, issue_id, due_at, subscriber_ids)"
        f" SELECT part * {BATCH} + 1, %s, now(), array_agg(id ORDER BY id) FROM (SELECT id,"
        f" (row_number() OVER (ORDER BY id) - 1) / {BATCH} AS part FROM subscribers_subscriber)"
        " AS parts GROUP BY part",
        issue,
    )


def _claim_chunk(issue: int) -> Batch | None:
    fence = next(fences)
    claimed = _fetch(
        "UPDATE chunks SET fence = %s WHERE first_id = (SELECT first_id FROM chunks WHERE issue_id"
        f" = %s AND fence IS NULL AND due_at <= now() AND {_RUNNABLE} ORDER BY due_at, first_id"
        " LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING first_id, subscriber_ids",
        *(fence, issue, issue),
    )
    if not claimed:
        return None
    [(first, subscriber_ids)] = claimed
    places = _members(issue, subscriber_ids)
    return Batch(fence, [(first + place - 1, subscriber_ids[place - 1]) for place in places])


def _record_folded(_issue: int, batch: Batch) -> None:
    _run(
        "UPDATE chunks SET replies = %s, fence = 0 WHERE fence = %s",
        *(_replies(len(batch.rows)), batch.fence),
    )


def _record_sent(issue: int, batch: Batch) -> None:
    from django.db import transaction

    from tests.cast import NOON

    replies = _replies(len(batch.rows))
    with transaction.atomic():
        _fetch("SELECT first_id FROM chunks WHERE fence = %s FOR UPDATE", batch.fence)
        rows = (
            (issue, subscriber, delivery, NOON, 250, reply)
            for (delivery, subscriber), reply in zip(batch.rows, replies, strict=True)
        )
        _copy("sent (issue_id, subscriber_id, id, at, code, reply)", rows)
        _run("DELETE FROM chunks WHERE fence = %s", batch.fence)


# --- the ledger -----------------------------------------------------------------------------


def _plan_issue(issue: int) -> None:
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


def _claim_batch(issue: int) -> Batch | None:
    from digest.issues.models import Issue
    from digest.sending import ledger
    from digest.subscribers.audience import FOR_ALL
    from tests.cast import NOON

    claimed = ledger.claim(Issue.objects.get(pk=issue), BATCH, NOON, FOR_ALL)
    rows = [(row.id, row.subscriber_id) for row in claimed.rows]
    return Batch(claimed.fence, rows) if rows else None


def _record_batch(issue: int, batch: Batch) -> None:
    from digest.issues.models import Issue
    from digest.relays.retries import Outcome
    from digest.sending import claiming, ledger
    from digest.sending.models import Delivery
    from digest.subscribers.audience import FOR_ALL
    from tests.cast import NOON

    sent, replies = Delivery.State.SENT, _replies(len(batch.rows))
    outcomes = [
        (delivery, Outcome(sent, 250, reply, attempted=True))
        for (delivery, _), reply in zip(batch.rows, replies, strict=True)
    ]
    claimed = claiming.Batch(batch.fence, Issue.objects.get(pk=issue), (), FOR_ALL)
    ledger.record(claimed, outcomes, NOON)
    ledger.drop(batch.fence)


def _table(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    return lambda *arguments: function(name, *arguments)


_LEASES = "DROP TABLE IF EXISTS ranges; CREATE TABLE ranges (issue_id bigint,"
_LEASES += " first bigint PRIMARY KEY, last bigint, fence bigint)"
DESIGNS = {
    "rows": Design(
        "TRUNCATE sending_delivery, sending_tally",
        _table(_plan_rows, "sending_delivery"),
        _table(_claim_rows, "sending_delivery"),
        _table(_record_rows, "sending_delivery"),
        ["sending_delivery"],
    ),
    "updates": Design(
        f"{_UPDATED}; {_LEASES}",
        _plan_updated,
        _table(_claim_range, "updated"),
        _record_updated,
        ["updated"],
    ),
    "ranges": Design(
        _RANGED,
        _plan_ranged,
        _table(_claim_range, "ranged"),
        _record_outcomes,
        ["ranged", "outcomes"],
    ),
    "folded": Design(_CHUNKS, _plan_chunks, _claim_chunk, _record_folded, ["chunks"]),
    "chunks": Design(_CHUNKS, _plan_chunks, _claim_chunk, _record_sent, ["sent"]),
    "two keys": Design(_TWO_KEYS, _plan_chunks, _claim_chunk, _record_sent, ["sent"]),
    "ledger": Design(
        "TRUNCATE sending_chunk, sending_sentdelivery, sending_delivery, sending_tally",
        _plan_issue,
        _claim_batch,
        _record_batch,
        ["sending_sentdelivery"],
    ),
}


# --- measuring ----------------------------------------------------------------------------


def _used() -> tuple[float, float]:
    """Return the CPU seconds of our backend and the bytes of WAL so far."""
    [(process, position)] = _fetch(
        "SELECT pg_backend_pid(), pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
    )
    nanoseconds = Path(f"/proc/{process}/schedstat").read_text().split()[0]
    return int(nanoseconds) / 1e9, float(position)


def _size(table: str) -> int:
    [(size,)] = _fetch("SELECT pg_total_relation_size(%s)", table)
    return int(size)


def _run(statements: str, *parameters: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statements, parameters or None)


def _fetch(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


if __name__ == "__main__":
    main()
