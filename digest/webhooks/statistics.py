"""Queue the numbers of issues for webhooks, a day and a week after they were sent."""

from datetime import datetime, timedelta

from django.db import connection, transaction

from digest.core.database.locks import Purpose, lock
from digest.webhooks.events import Event
from digest.webhooks.models import WebhookDelivery

AGES = (timedelta(hours=24), timedelta(days=7))
LATE = timedelta(days=2)  # after a longer outage the numbers are not sent any more


@transaction.atomic
def queue_due(now: datetime) -> None:
    """Queue an event for each issue and age that is due, once."""
    lock(Purpose.QUEUE_STATISTICS)
    with connection.cursor() as cursor:
        for age in AGES:
            latest = now - age
            values: dict[str, str | datetime] = {
                "event": Event.STATISTICS,
                "age": str(age),
                "latest": latest,
                "earliest": latest - LATE,
            }
            cursor.execute(_QUEUE, values)


# The moment of the event tells one age from the other.
_QUEUE = """
SELECT webhooks_queue_event(%(event)s, issue.finished_at + %(age)s::interval,
    issue.newsletter_id, NULL, issue.id, NULL)
FROM issues_issue AS issue
WHERE issue.state = 'sent' AND issue.kind <> 'series'
    AND issue.finished_at <= %(latest)s AND issue.finished_at > %(earliest)s
    AND NOT EXISTS (
        SELECT 1 FROM webhooks_webhookdelivery AS delivery WHERE delivery.issue_id = issue.id
            AND delivery.event = %(event)s
            AND delivery.at = issue.finished_at + %(age)s::interval)
"""


def hours_of(delivery: WebhookDelivery) -> int | None:
    """Return how many hours after its issue was sent an event is; None if that is not known."""
    if delivery.issue is None or delivery.issue.finished_at is None:
        return None
    return round((delivery.at - delivery.issue.finished_at) / timedelta(hours=1))
