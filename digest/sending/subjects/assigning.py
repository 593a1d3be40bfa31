"""Begin a subject test when its issue is planned, and let the rest go when it is decided.

Those who do not take part are due an hour after the test's end, unless it is decided before, as it
should be; then they are due at once.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from digest.core import jobs
from digest.issues.models import Issue, SubjectTest
from digest.sending.models import SQL_STATES
from digest.sending.subjects.split import SCALE, Split

GRACE = timedelta(hours=1)  # after which the rest goes out even if nobody decided


def split_of(issue: Issue) -> Split | None:
    """Return the test of an issue, if it has one that has begun."""
    test = SubjectTest.objects.filter(issue=issue, decides_at__isnull=False).first()
    if test is None:
        return None
    return Split(issue.uuid, tuple(test.subjects), test.share / 100, test.winner)


@transaction.atomic
def begin(issue: Issue, now: datetime) -> None:
    """Begin an issue's test, if it has one: after its deliveries are planned, before any leaves.

    Called again, by another planner, it changes nothing but the time.
    """
    test = SubjectTest.objects.select_for_update().filter(issue=issue, decided_at=None).first()
    if test is None:
        return
    test.decides_at = max(now, issue.goes_at) + timedelta(minutes=test.minutes)
    test.save(update_fields=["decides_at"])
    variants = len(test.subjects) + 1
    values: dict[str, Any] = {
        "issue": issue.pk,
        "uuid": str(issue.uuid),
        "share": test.share / 100,
        "variants": variants,
        "probability": 1 / variants,
        "now": now,
        "due": test.decides_at + GRACE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHOOSE, values)
        cursor.execute(_HOLD_BACK, values)


def finish(test: SubjectTest, winner: int, now: datetime) -> int:
    """Let the rest have the winner, at once; return how many that are.

    In the caller's transaction, which saves the test.
    """
    values: dict[str, Any] = {
        "issue": test.issue_id,
        "uuid": str(test.issue.uuid),
        "share": test.share / 100,
        "winner": winner,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHOOSE_REST, values)
        cursor.execute(_RELEASE, values)
        number = cursor.rowcount
    jobs.enqueue(jobs.SEND_DELIVERIES)
    return int(number)


# The same number as `bucket`.
_BUCKET = (
    "('x' || substr(encode(sha256((%(uuid)s || subscriber.uuid::text)::bytea), 'hex'), 1, 8))"
    f"::bit(32)::bigint / {SCALE}.0::float8"
)
_DELIVERIES = """
    FROM sending_delivery AS delivery
    JOIN subscribers_subscriber AS subscriber ON subscriber.id = delivery.subscriber_id
    WHERE delivery.issue_id = %(issue)s
"""
_CHOOSE = f"""
INSERT INTO sending_subjectchoice (issue_id, subscriber_id, variant, probability, at)
SELECT %(issue)s, subscriber_id, trunc(place / %(share)s * %(variants)s), %(probability)s, %(now)s
FROM (SELECT delivery.subscriber_id, {_BUCKET} AS place {_DELIVERIES}) AS places
WHERE place < %(share)s
ON CONFLICT DO NOTHING
"""  # noqa: S608  expressions of ours
_HOLD_BACK = f"""
UPDATE sending_delivery SET due_at = %(due)s
WHERE id IN (
    SELECT delivery.id {_DELIVERIES} AND {_BUCKET} >= %(share)s AND delivery.state IN {{due}}
)
""".format(**SQL_STATES)  # noqa: S608
_CHOOSE_REST = f"""
INSERT INTO sending_subjectchoice (issue_id, subscriber_id, variant, probability, at)
SELECT %(issue)s, delivery.subscriber_id, %(winner)s, 1, %(now)s
{_DELIVERIES} AND {_BUCKET} >= %(share)s
ON CONFLICT DO NOTHING
"""
_RELEASE = """
UPDATE sending_delivery SET due_at = %(now)s
WHERE issue_id = %(issue)s AND state = {queued} AND due_at > %(now)s
""".format(**SQL_STATES)
