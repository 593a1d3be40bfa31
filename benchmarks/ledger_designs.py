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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import tests.services  # noqa: F401  starts PostgreSQL, and names it in the environment
from benchmarks._ledger import chunks, rows
from benchmarks._ledger.statements import BATCH, Batch, fetch, run
from tests import append_only

SUBSCRIBERS = int(os.environ.get("DIGEST_SUBSCRIBERS", "100_000"))
ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "5"))


@dataclass(slots=True)
class Usage:
    """µs of CPU and bytes of WAL for a delivery, a number for each round."""

    cpu: list[float] = field(default_factory=list)
    wal: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Design:
    """One way to plan, claim and record; with the statements of benchmarks._ledger."""

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
            run(design.tables)
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
    run(
        "INSERT INTO subscribers_subscriber (email, address_key, name, language, timezone,"
        " created_at) SELECT md5(n::text) || '@mail.example', md5(n::text) || '@mail.example', '',"
        " '', '', now() FROM generate_series(1, %s) AS n",
        SUBSCRIBERS,
    )
    run(
        "INSERT INTO subscribers_subscription (subscriber_id, newsletter_id, state, created_at,"
        " confirmed_at) SELECT id, %s, 'active', now(), now() FROM subscribers_subscriber",
        newsletter,
    )
    run(
        "INSERT INTO subscribers_suppression (address_key, reason, evidence, created_at)"
        " SELECT md5(n::text) || '@elsewhere.example', 'bounce', '', now()"
        " FROM generate_series(1, %s) AS n",
        SUBSCRIBERS // 100,
    )
    run("VACUUM ANALYZE")
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

    run("CHECKPOINT")
    measure("plan", lambda: design.plan(issue))
    run("ANALYZE sending_delivery")
    run("CHECKPOINT")
    sent = 0
    while batch := measure("claim", lambda: design.claim(issue)):
        measure("record", partial(design.record, issue, batch))
        sent += len(batch.rows)
    assert sent == SUBSCRIBERS, sent
    for name, (cpu, wal) in used.items():
        parts[name].cpu.append(cpu / SUBSCRIBERS * 1e6)
        parts[name].wal.append(wal / SUBSCRIBERS)


def _table(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    return lambda *arguments: function(name, *arguments)


_LEASES = "DROP TABLE IF EXISTS ranges; CREATE TABLE ranges (issue_id bigint,"
_LEASES += " first bigint PRIMARY KEY, last bigint, fence bigint)"
DESIGNS = {
    "rows": Design(
        "TRUNCATE sending_delivery, sending_tally",
        _table(rows.plan_rows, "sending_delivery"),
        _table(rows.claim_rows, "sending_delivery"),
        _table(rows.record_rows, "sending_delivery"),
        ["sending_delivery"],
    ),
    "updates": Design(
        f"{rows.UPDATED}; {_LEASES}",
        rows.plan_updated,
        _table(rows.claim_range, "updated"),
        rows.record_updated,
        ["updated"],
    ),
    "ranges": Design(
        rows.RANGED,
        rows.plan_ranged,
        _table(rows.claim_range, "ranged"),
        rows.record_outcomes,
        ["ranged", "outcomes"],
    ),
    "folded": Design(
        chunks.CHUNKS, chunks.plan_chunks, chunks.claim_chunk, chunks.record_folded, ["chunks"]
    ),
    "chunks": Design(
        chunks.CHUNKS, chunks.plan_chunks, chunks.claim_chunk, chunks.record_sent, ["sent"]
    ),
    "two keys": Design(
        chunks.TWO_KEYS, chunks.plan_chunks, chunks.claim_chunk, chunks.record_sent, ["sent"]
    ),
    "ledger": Design(
        "TRUNCATE sending_chunk, sending_sentdelivery, sending_delivery, sending_tally",
        chunks.plan_issue,
        chunks.claim_batch,
        chunks.record_batch,
        ["sending_sentdelivery"],
    ),
}


def _used() -> tuple[float, float]:
    """Return the CPU seconds of our backend and the bytes of WAL so far."""
    [(process, position)] = fetch(
        "SELECT pg_backend_pid(), pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
    )
    nanoseconds = Path(f"/proc/{process}/schedstat").read_text().split()[0]
    return int(nanoseconds) / 1e9, float(position)


def _size(table: str) -> int:
    [(size,)] = fetch("SELECT pg_total_relation_size(%s)", table)
    return int(size)


if __name__ == "__main__":
    main()
