"""Archive the deliveries of old issues, so that the table of current ones stays small.

    archive   rows that are settled move to PastDelivery, DIGEST_ARCHIVE_AFTER_DAYS after the end of
              their issue; uncertain ones wait half a year for somebody to resolve them. What was
              sent at once (SentDelivery) stays where it is: it is small already
    delete    past and sent deliveries are deleted DIGEST_KEEP_DAYS after the end of their issue

With its deliveries go the revisions of an issue, which nobody can undo any more.

An issue's numbers (digest.sending.progress) stay as they are through both. `AnyDelivery` reads
current and past rows as one.

Both work in bounded steps. A step is one statement, so a killed process has done it or has not;
processes that archive at the same time skip each other's rows, and all that is locked.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from digest.core.database.statements import fetch_rows
from digest.issues import history
from digest.sending import progress
from digest.sending.models import Delivery

State = Delivery.State

STEP = 10_000  # rows, locked for some 50 milliseconds
SECONDS = 5.0  # of one call: a sweep may have to wait that long behind it
UNCERTAIN_DAYS = timedelta(days=180)  # no relay's log goes back further


@dataclass(slots=True)
class ArchiveResult:
    """What was done, in deliveries."""

    archived: int = 0
    deleted: int = 0
    finished: bool = False  # nothing is left to do; otherwise time was up


def archive_deliveries(
    now: datetime,
    seconds: float = SECONDS,
    report: Callable[[ArchiveResult], None] = lambda _: None,
) -> ArchiveResult:
    """Archive, then delete, what is old enough; begin no step after `seconds`.

    `report` is called after each step, with what was done so far.
    """
    until = time.monotonic() + seconds
    history.forget(now - timedelta(days=settings.DIGEST_ARCHIVE_AFTER_DAYS))
    total = ArchiveResult()
    for step in chain(_archive(now), _delete(now)):
        total.archived += step.archived
        total.deleted += step.deleted
        report(total)
        if time.monotonic() > until:
            return total
    total.finished = True
    return total


def _archive(now: datetime) -> Iterator[ArchiveResult]:
    """Move rows step by step, those of the issue that finished first before the others."""
    before = now - timedelta(days=settings.DIGEST_ARCHIVE_AFTER_DAYS)
    for issue, finished_at in _finished_issues("sending_delivery", before):
        states = list(Delivery.SETTLED)
        if finished_at < now - _uncertain_time():
            states.append(State.UNCERTAIN)
        parameters = {"issue": issue, "before": before, "states": states}
        for selection in (_OF_SUBSCRIBERS, _ANONYMOUS):
            for rows in _steps(_MOVE.format(selection=selection), parameters):
                yield ArchiveResult(archived=rows)
        progress.compact(issue)


def _delete(now: datetime) -> Iterator[ArchiveResult]:
    """Delete past and sent deliveries step by step."""
    if not settings.DIGEST_KEEP_DAYS:
        return
    before = now - timedelta(days=settings.DIGEST_KEEP_DAYS)
    for table, key in (("sending_sentdelivery", "subscriber_id"), ("sending_pastdelivery", "id")):
        for issue, _ in _finished_issues(table, before):
            for rows in _steps(
                _DELETE.format(table=table, key=key), {"issue": issue, "before": before}
            ):
                yield ArchiveResult(deleted=rows)


def _uncertain_time() -> timedelta:
    """Return how long uncertain deliveries can be resolved: no longer than others are kept."""
    keep = timedelta(days=settings.DIGEST_KEEP_DAYS)
    return min(UNCERTAIN_DAYS, keep) if keep else UNCERTAIN_DAYS


def _finished_issues(table: str, before: datetime) -> list[tuple[int, datetime]]:
    """Return the issues that have rows in a table and finished before a moment, with that time."""
    return fetch_rows(_FINISHED.format(table=table), [before])


# From issue to issue along the index: only one row of each is read.
_FINISHED = """
WITH RECURSIVE present AS (
    (SELECT issue_id FROM {table} ORDER BY issue_id LIMIT 1)
    UNION ALL
    SELECT (SELECT further.issue_id FROM {table} AS further
            WHERE further.issue_id > present.issue_id ORDER BY further.issue_id LIMIT 1)
    FROM present WHERE present.issue_id IS NOT NULL
)
SELECT issue.id, issue.finished_at
FROM present JOIN issues_issue AS issue ON issue.id = present.issue_id
WHERE issue.state IN ('sent', 'cancelled') AND issue.finished_at < %s
ORDER BY issue.finished_at, issue.id
"""


def _steps(statement: str, parameters: dict[str, Any]) -> Iterator[int]:
    """Run steps, each a transaction, until one selects fewer rows than it may."""
    after, selected = 0, STEP
    while selected == STEP:
        rows, selected, last = _step(statement, parameters | {"after": after, "step": STEP})
        after = last or after
        if rows:
            yield rows


@transaction.atomic
def _step(statement: str, parameters: dict[str, Any]) -> tuple[int, int, int | None]:
    """Run one step; return the rows that were removed and selected, and the key of the last."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('digest.archiving', 'on', true)")
        cursor.execute(statement, parameters)
        removed, selected, last = cursor.fetchone()
        cursor.execute("SELECT set_config('digest.archiving', '', true)")
    return removed, selected, last


# The issue is checked again, and locked, in the same statement. Each step begins after the last key
# and not at the start: the dead rows of earlier steps may not be vacuumed yet.
#
# Rows are locked first and then removed by their ctid, which is twice as fast as by their id. A row
# that is being changed at this moment has a new ctid, which this statement cannot see; it is locked
# in vain, and stays until the next call.
_MOVE = """
WITH issue AS MATERIALIZED (
    SELECT id FROM issues_issue
    WHERE id = %(issue)s AND state IN ('sent', 'cancelled') AND finished_at < %(before)s
    FOR KEY SHARE
), selected AS MATERIALIZED (
    SELECT ctid, subscriber_id FROM sending_delivery
    WHERE issue_id = (SELECT id FROM issue) AND state = ANY(%(states)s) AND {selection}
    LIMIT %(step)s
    FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM sending_delivery WHERE ctid = ANY(ARRAY(SELECT ctid FROM selected)) RETURNING *
), added AS (
    INSERT INTO sending_pastdelivery
        (id, issue_id, subscriber_id, at, state, attempts, reply_code, reply, without_appeals)
    SELECT id, issue_id, subscriber_id, coalesce(settled_at, due_at), state, attempts,
        reply_code, reply, without_appeals
    FROM removed
)
SELECT (SELECT count(*) FROM removed), count(*), max(subscriber_id) FROM selected
"""
_OF_SUBSCRIBERS = "subscriber_id > %(after)s ORDER BY subscriber_id"
_ANONYMOUS = "subscriber_id IS NULL"

# An issue that has current rows left may be opened again, and counted.
_DELETE = """
WITH issue AS MATERIALIZED (
    SELECT id FROM issues_issue AS issue
    WHERE id = %(issue)s AND state IN ('sent', 'cancelled') AND finished_at < %(before)s
        AND NOT EXISTS (SELECT FROM sending_delivery WHERE issue_id = issue.id)
    FOR KEY SHARE
), selected AS MATERIALIZED (
    SELECT ctid, {key} AS key FROM {table}
    WHERE issue_id = (SELECT id FROM issue) AND {key} > %(after)s
    ORDER BY {key}
    LIMIT %(step)s
    FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM selected)) RETURNING id
)
SELECT (SELECT count(*) FROM removed), count(*), max(key) FROM selected
"""
