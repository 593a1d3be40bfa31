"""What the designs share: batches, who may be mailed, replies, and statements."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

BATCH = 500

Row = tuple[int, int]  # the ids of a delivery and its subscriber
fences = count(1)


@dataclass(frozen=True, slots=True)
class Batch:
    """What was claimed: a fence, and the rows that may be mailed."""

    fence: int
    rows: Sequence[Row]


RUNNABLE = "EXISTS (SELECT FROM issues_issue WHERE id = %s AND state = 'sending' AND revision = 1)"

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


def members(issue: int, subscriber_ids: Sequence[int]) -> list[int]:
    """Read what mails need of subscribers, and who may be mailed; return the latter's places."""
    from django.db import transaction

    query, parameters = eligible(issue)
    with transaction.atomic():
        run("SET LOCAL random_page_cost = 1.1")
        rows = fetch(_MEMBERS.format(eligible=query), list(subscriber_ids), *parameters)
    return [row[0] for row in rows if row[5]]


def eligible(issue: int) -> tuple[str, tuple[Any, ...]]:
    """Return the rule of who may be mailed, as the ledger uses it."""
    from digest.issues.models import Issue
    from digest.subscribers.audience import eligible
    from tests.cast import NOON

    newsletter = Issue.objects.values_list("newsletter", flat=True).get(pk=issue)
    columns = ("subscriber_id", "topics", "muted_topics")
    query, parameters = eligible(newsletter, NOON).values(*columns).query.sql_with_params()
    return query, tuple(parameters)


def make_replies(number: int) -> list[str]:
    return [f"2.0.0 Ok: queued as {next(queue_ids):010X}" for _ in range(number)]


queue_ids = count(0x4F8BA12C0D, 7919)


def copy(target: str, rows: Iterator[tuple[Any, ...]]) -> None:
    from django.db import connection

    with connection.cursor() as cursor, cursor.cursor.copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def run(statements: str, *parameters: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statements, parameters or None)


def fetch(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
