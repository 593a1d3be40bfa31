"""Put away the deliveries of issues long done, so that the table of current ones stays small.

    put away    rows whose end is known go to PastDelivery, DIGEST_PUT_AWAY_DAYS after their
                issue's end; what is uncertain waits for somebody to resolve it, half a year
    discard     rows put away go for good, DIGEST_KEEP_DAYS after their issue's end

An issue's numbers (digest.sending.progress) stay as they are through both. `AnyDelivery` reads
current and past rows as one.

Both work in bounded steps. A step is one statement, so whoever is killed has done it or has not;
movers at the same time pass over each other's rows, and over whatever anyone else has locked.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from digest.sending import progress
from digest.sending.models import Delivery

State = Delivery.State
OVER = [State.SENT, State.FAILED, State.SUPPRESSED, State.CANCELLED]

STEP = 10_000  # rows, locked for some 50 milliseconds
SECONDS = 5.0  # of one call: so long may a sweep have to wait behind it
DOUBTED = timedelta(days=180)  # no relay's log goes back further


@dataclass(slots=True)
class Archived:
    """What was done."""

    put_away: int = 0
    discarded: int = 0
    finished: bool = False  # there is nothing left to do; otherwise time was up


def put_away(
    now: datetime, seconds: float = SECONDS, told: Callable[[Archived], None] = lambda _: None
) -> Archived:
    """Put away, then discard, what is old enough; begin no step after `seconds`.

    `told` is called after each step, with what was done so far.
    """
    until = time.monotonic() + seconds
    done = Archived()
    for step in chain(_put_away(now), _discard(now)):
        done.put_away += step.put_away
        done.discarded += step.discarded
        told(done)
        if time.monotonic() > until:
            return done
    done.finished = True
    return done


def _put_away(now: datetime) -> Iterator[Archived]:
    """Move rows step by step, the issue that was done first before the others."""
    before = now - timedelta(days=settings.DIGEST_PUT_AWAY_DAYS)
    for issue, finished_at in _done("sending_delivery", before):
        states = [*OVER, State.UNCERTAIN] if finished_at < now - _patience() else OVER
        about = {"issue": issue, "before": before, "states": states}
        for some in (_NAMED, _NAMELESS):
            for rows in _steps(_MOVE.format(some=some), about):
                yield Archived(put_away=rows)
        progress.compact(issue)


def _discard(now: datetime) -> Iterator[Archived]:
    """Delete step by step what was put away long ago."""
    if not settings.DIGEST_KEEP_DAYS:
        return
    before = now - timedelta(days=settings.DIGEST_KEEP_DAYS)
    for issue, _ in _done("sending_pastdelivery", before):
        for rows in _steps(_DISCARD, {"issue": issue, "before": before}):
            yield Archived(discarded=rows)


def _patience() -> timedelta:
    """Return how long what is uncertain can be resolved: never longer than the rest is kept."""
    keep = timedelta(days=settings.DIGEST_KEEP_DAYS)
    return min(DOUBTED, keep) if keep else DOUBTED


def _done(table: str, before: datetime) -> list[tuple[int, datetime]]:
    """Return the issues that have rows in a table and were done with before a moment."""
    with connection.cursor() as cursor:
        cursor.execute(_DONE.format(table=table), [before])
        return list(cursor.fetchall())


# From issue to issue along the index: no row is read but one of each.
_DONE = """
WITH RECURSIVE held AS (
    (SELECT issue_id FROM {table} ORDER BY issue_id LIMIT 1)
    UNION ALL
    SELECT (SELECT further.issue_id FROM {table} AS further
            WHERE further.issue_id > held.issue_id ORDER BY further.issue_id LIMIT 1)
    FROM held WHERE held.issue_id IS NOT NULL
)
SELECT issue.id, issue.finished_at
FROM held JOIN issues_issue AS issue ON issue.id = held.issue_id
WHERE issue.state IN ('sent', 'cancelled') AND issue.finished_at < %s
ORDER BY issue.finished_at, issue.id
"""


def _steps(statement: str, about: dict[str, Any]) -> Iterator[int]:
    """Do one step after the other, each a transaction, until one finds less than it might take."""
    after, found = 0, STEP
    while found == STEP:
        rows, found, last = _step(statement, about | {"after": after, "step": STEP})
        after = last or after
        if rows:
            yield rows


@transaction.atomic
def _step(statement: str, about: dict[str, Any]) -> tuple[int, int, int | None]:
    """Do one step; return how many rows went, how many were found, and the key of the last."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('digest.putting_away', 'on', true)")
        cursor.execute(statement, about)
        rows, found, last = cursor.fetchone()
        cursor.execute("SELECT set_config('digest.putting_away', '', true)")
    return rows, found, last


# The issue is looked at again, and held on to, in the same statement. Steps go on behind the last
# key and not from the beginning: nobody may have vacuumed what the earlier steps left behind.
#
# Rows are locked first and then removed by their place, which is twice as fast as by their id. One
# that somebody was changing at this moment has a new place that this statement cannot see; it is
# locked for nothing, and stays until the next call.
_MOVE = """
WITH issue AS MATERIALIZED (
    SELECT id FROM issues_issue
    WHERE id = %(issue)s AND state IN ('sent', 'cancelled') AND finished_at < %(before)s
    FOR KEY SHARE
), chosen AS MATERIALIZED (
    SELECT ctid, subscriber_id FROM sending_delivery
    WHERE issue_id = (SELECT id FROM issue) AND state = ANY(%(states)s) AND {some}
    LIMIT %(step)s
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM sending_delivery WHERE ctid = ANY(ARRAY(SELECT ctid FROM chosen)) RETURNING *
), added AS (
    INSERT INTO sending_pastdelivery
        (id, issue_id, subscriber_id, at, state, attempts, reply_code, reply)
    SELECT id, issue_id, subscriber_id, coalesce(settled_at, due_at), state, attempts,
        reply_code, reply
    FROM gone
)
SELECT (SELECT count(*) FROM gone), count(*), max(subscriber_id) FROM chosen
"""
_NAMED = "subscriber_id > %(after)s ORDER BY subscriber_id"
_NAMELESS = "subscriber_id IS NULL"

# An issue with something left among the current rows may be opened again, and counted.
_DISCARD = """
WITH issue AS MATERIALIZED (
    SELECT id FROM issues_issue AS issue
    WHERE id = %(issue)s AND state IN ('sent', 'cancelled') AND finished_at < %(before)s
        AND NOT EXISTS (SELECT FROM sending_delivery WHERE issue_id = issue.id)
    FOR KEY SHARE
), chosen AS MATERIALIZED (
    SELECT ctid, id FROM sending_pastdelivery
    WHERE issue_id = (SELECT id FROM issue) AND id > %(after)s
    ORDER BY id
    LIMIT %(step)s
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM sending_pastdelivery WHERE ctid = ANY(ARRAY(SELECT ctid FROM chosen)) RETURNING id
)
SELECT (SELECT count(*) FROM gone), count(*), max(id) FROM chosen
"""
