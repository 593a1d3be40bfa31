"""Archiving old deliveries: how fast it is, and what it gains.

    rows a second     beside one INSERT … SELECT and one DELETE of as many, in a single transaction:
                      the least that moving rows from table to table can cost; not a way to do it,
                      as it holds all their locks at once. In turns, medians
    one more issue    planned, claimed and recorded in batches, shown, vacuumed, with many old
                      issues among the current deliveries, and again with all of them archived
    bytes a row       table and indexes, before and after

DIGEST_ROWS sets the subscribers of an issue (100,000), DIGEST_ISSUES how many old ones (20),
DIGEST_ROUNDS how often (5).
"""

import os
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks._django import seconds_of, set_up
from benchmarks._pages import make_subscribers

if TYPE_CHECKING:
    from digest.issues.models import Issue

ROWS = int(os.environ.get("DIGEST_ROWS", "100_000"))
ISSUES = int(os.environ.get("DIGEST_ISSUES", "20"))
ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "5"))
BATCH = 500  # deliveries, as a sender claims them

_slots = count()


def main() -> None:
    """Measure all three."""
    set_up()
    _make_people()
    print(f"{ROWS:,} subscribers; medians of {ROUNDS}")
    _compare_archiving()
    _compare_sending()


def _make_people() -> None:
    from tests.cast import make_newsletter

    make_subscribers(ROWS, make_newsletter().pk)
    _run("VACUUM ANALYZE")


def _compare_archiving() -> None:
    """Move an issue either way, in turns; nothing else is in the table."""
    sides = {"archive": _archive, "INSERT … SELECT, DELETE": _plainly}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, move in sides.items():
            _old_issue()
            _run("VACUUM sending_delivery")
            _run("CHECKPOINT")
            times[name].append(seconds_of(move))
            _run("TRUNCATE sending_delivery, sending_pastdelivery")
    plain = median(times["INSERT … SELECT, DELETE"])
    for name, seconds in times.items():
        elapsed = median(seconds)
        speed = f"{ROWS / elapsed:9,.0f} rows/s   {plain / elapsed:.2f} of the plain speed"
        print(f"   {name:<26} {speed}")


def _archive() -> None:
    from digest.sending import archiving
    from tests.cast import NOON

    done = archiving.archive_deliveries(NOON, seconds=3600)
    assert done.archived % ROWS == 0, done
    assert done.finished, done


def _plainly() -> None:
    from django.db import transaction

    with transaction.atomic():
        _run("SET LOCAL digest.archiving = 'on'")
        _run(
            "INSERT INTO sending_pastdelivery (id, issue_id, subscriber_id, at, state, attempts,"
            " reply_code, reply) SELECT id, issue_id, subscriber_id, settled_at, state, attempts,"
            " reply_code, reply FROM sending_delivery"
        )
        _run("DELETE FROM sending_delivery")


def _compare_sending() -> None:
    """Send one more issue beside many old ones, then with these archived."""
    for _ in range(ISSUES):
        _old_issue()
    _run("VACUUM ANALYZE sending_delivery")
    rows = ISSUES * ROWS
    _print_size("sending_delivery", rows, "current")
    rounds = _rounds()
    print(f"   {rows:,} archived in {seconds_of(_archive):.1f} s")
    _run("VACUUM ANALYZE sending_delivery")
    _print_size("sending_pastdelivery", rows, "archived")
    alone = _rounds()
    print(f"   one more issue of {ROWS:,}: seconds among {ISSUES} old ones, and without them")
    for name, seconds in rounds.items():
        before, after = median(seconds), median(alone[name])
        print(f"   {name:<26} {before:8.3f} {after:8.3f}   {before / after:.2f} times as fast")


def _rounds() -> dict[str, list[float]]:
    """Send issues, one after the other; return the seconds that each part took."""
    times: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        issue = _issue(state="built", planned_at=None, finished_at=None)
        for name, part in _parts(issue).items():
            times.setdefault(name, []).append(seconds_of(part))
        _run("DELETE FROM sending_delivery WHERE issue_id = %s", issue.pk)
        _run("DELETE FROM sending_sentdelivery WHERE issue_id = %s", issue.pk)
        _run("DELETE FROM sending_tally WHERE issue_id = %s", issue.pk)
        _run("VACUUM sending_delivery")
    return times


def _parts(issue: "Issue") -> dict[str, Callable[[], object]]:
    from digest.selfservice import data_export
    from digest.sending import sweeping
    from digest.sending.progress import progress
    from digest.subscribers.models import Subscriber
    from tests.cast import NOON

    subscriber = Subscriber.objects.order_by("pk")[ROWS // 2]
    return {
        "plan": lambda: _plan(issue),
        "claim and record": lambda: _claim_and_record(issue),
        "sweep": lambda: sweeping.sweep(NOON),
        "progress": lambda: progress(issue),
        "a subscriber's deliveries": lambda: data_export.export_subscriber(subscriber, 20),
        "vacuum": lambda: _run("VACUUM sending_delivery"),
    }


def _plan(issue: "Issue") -> None:
    from digest.sending import planning
    from tests.cast import NOON

    assert planning.plan_built(NOON.replace(year=9999)) == [issue]


def _claim_and_record(issue: "Issue") -> None:
    from digest.relays.retries import Outcome
    from digest.sending import ledger
    from digest.sending.models import Delivery
    from digest.sending.segmentation import cadences_of
    from digest.subscribers.audience import Audience

    now, audience, sent = issue.slot, Audience(cadences_of(issue)), 0
    outcome = Outcome(Delivery.State.SENT, 250, "2.0.0 Ok: queued as 4F8BA12C0D", attempted=True)
    while rows := (batch := ledger.claim(issue, BATCH, now, audience)).rows:
        sent += len(ledger.record(batch, [(row.id, outcome) for row in rows], now))
        ledger.drop(batch.fence)
    assert sent == ROWS


def _old_issue() -> None:
    """Insert an issue that was sent as issues are: each row updated twice."""
    issue = _issue(state="sent", finished_at=_finished())
    _run(
        "INSERT INTO sending_delivery (issue_id, subscriber_id, state, due_at, attempts,"
        " times_uncertain, reply)"
        " SELECT %s, id, 0, now(), 0, 0, '' FROM subscribers_subscriber ORDER BY id",
        issue.pk,
    )
    _run("UPDATE sending_delivery SET state = 1, fence = 1 WHERE issue_id = %s", issue.pk)
    _run(
        "UPDATE sending_delivery SET state = 3, fence = NULL, attempts = 1, reply_code = 250,"
        " settled_at = now(), first_attempt_at = now(),"
        " reply = '2.0.0 Ok: queued as ' || upper(substr(md5(id::text), 1, 10))"
        " WHERE issue_id = %s",
        issue.pk,
    )


def _issue(**fields: Any) -> "Issue":
    from digest.newsletters.models import Newsletter
    from tests.cast import NOON, make_issue, make_story

    slot = NOON.replace(year=2020) + timedelta(hours=next(_slots))
    values = {"slot": slot, "planned_at": slot} | fields
    issue = make_issue(Newsletter.objects.get(), **values)
    make_story(issue)
    return issue


def _finished() -> Any:
    from tests.cast import NOON

    return NOON - timedelta(days=60)


def _print_size(table: str, rows: int, name: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_table_size(%s), pg_indexes_size(%s)", [table, table])
        heap, indexes = cursor.fetchone()
    print(f"   {name:<26} {heap / rows:5.0f} bytes a row, and {indexes / rows:.0f} of indexes")


def _run(statement: str, *parameters: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)


if __name__ == "__main__":
    main()
