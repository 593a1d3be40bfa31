"""Settle the refusals of the SMTP conversation: the same that follows from a report by mail.

The trigger that queued them only copies the reply. They are settled in batches, each in one
transaction, so a worker that ends leaves them queued.
"""

from django.db import transaction

from digest.bounces.models import Bounce
from digest.bounces.reading.replies import understand
from digest.bounces.recording import Finding, record
from digest.core import clock
from digest.core.database.statements import fetch_rows
from digest.issues.models import Issue
from digest.subscribers.models import Subscriber

BATCH = 200
MOST_BATCHES = 50  # in one run; what is left waits for the next


def settle_due() -> int:
    """Settle the refusals that wait; return how many."""
    settled = 0
    for _ in range(MOST_BATCHES):
        number = _settle_batch()
        settled += number
        if number < BATCH:
            break
    return settled


@transaction.atomic
def _settle_batch() -> int:
    rows = fetch_rows(_TAKE, [BATCH])
    subscribers = Subscriber.objects.in_bulk([row[0] for row in rows])
    issues = Issue.objects.select_related("newsletter__publication").in_bulk(
        [row[1] for row in rows]
    )
    for subscriber_id, issue_id, code, reply, at in rows:
        if subscriber_id in subscribers and issue_id in issues:  # erased since
            subscriber, issue = subscribers[subscriber_id], issues[issue_id]
            record(subscriber, issue, _finding(code, reply), at or clock.now())
    return len(rows)


def _finding(code: int, reply: str) -> Finding:
    refusal = understand(reply, code=code)
    return Finding(
        Bounce.Source.SMTP,
        refusal.reason,
        refusal.permanent,
        refusal.status,
        code,
        reply[:1000],
    )


_TAKE = """
DELETE FROM bounces_refusal WHERE id IN (
    SELECT id FROM bounces_refusal ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING subscriber_id, issue_id, code, reply, at
"""
