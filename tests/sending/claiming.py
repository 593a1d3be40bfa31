"""Claims as senders make them, and deliveries in either shape: rows, or chunks."""

from datetime import datetime

from django.db import connection

from digest.issues.models import Issue
from digest.sending import ledger
from digest.sending.claiming import Batch
from digest.sending.models import Chunk, Delivery
from digest.sending.segmentation import cadences_of
from digest.subscribers.audience import Audience
from tests.cast import LONG_AGO, NOON

LATE = NOON.replace(year=9999)


def claim_batch(
    issue: Issue,
    limit: int,
    now: datetime = NOON,
    audience: Audience | None = None,
    journal: str = "",
) -> Batch:
    """Claim for an audience; without one, for subscribers of all topics."""
    return ledger.claim(issue, limit, now, audience or Audience(cadences_of(issue)), journal)


def give_rows(issue: Issue, until: datetime = LATE) -> None:
    """Give the deliveries of an issue that are due by then, and were not tried yet, rows."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_ROWS, [issue.pk, until])


def put_into_chunks(issue: Issue, size: int = Chunk.LARGEST) -> None:
    """Put the queued rows of an issue into chunks, as planning does; their ids change."""
    rows = Delivery.objects.filter(issue=issue, state=Delivery.State.QUEUED).order_by("pk")
    subscriber_ids = list(rows.values_list("subscriber", flat=True))
    rows.delete()
    for place in range(0, len(subscriber_ids), size):
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('sending_delivery_id_seq')")
            (first_id,) = cursor.fetchone()
        part = subscriber_ids[place : place + size]
        Chunk.objects.create(
            first_id=first_id,
            issue=issue,
            due_at=LONG_AGO,
            subscriber_ids=part,
            size=len(part),
            lowest=min(part),
            highest=max(part),
        )


_GIVE_ROWS = """
WITH removed AS (
    DELETE FROM sending_chunk WHERE issue_id = %s AND due_at <= %s RETURNING *
)
INSERT INTO sending_delivery
    (id, issue_id, subscriber_id, state, due_at, attempts, times_uncertain, reply)
SELECT first_id + place - 1, issue_id, subscriber_id, 0, due_at, 0, 0, ''
FROM removed, unnest(subscriber_ids) WITH ORDINALITY AS member(subscriber_id, place)
WHERE subscriber_id IS NOT NULL
"""
