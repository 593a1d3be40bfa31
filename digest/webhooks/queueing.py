"""Events of the newsroom for webhooks: those that no trigger of a table queues."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from digest.core import jobs
from digest.issues.models import Issue
from digest.webhooks.events import Event
from digest.webhooks.models import Webhook, WebhookDelivery


def queue_newsroom_event(
    event: Event,
    at: datetime,
    *,
    publication_id: int | None,
    newsletter_id: int | None = None,
    issue: Issue | None = None,
    details: Mapping[str, Any],
) -> int:
    """Queue an event for each webhook that wants it; return how many.

    `details` go into the body as they are, so they hold nothing of a subscriber. An event of no
    publication is one of the whole installation, and for every webhook.
    """
    webhooks = Webhook.objects.filter(disabled_at=None, events__contains=[event])
    if publication_id is not None:
        webhooks = webhooks.filter(Q(publication=None) | Q(publication=publication_id))
    rows = WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            webhook=webhook,
            event=event,
            details=dict(details),
            newsletter_id=newsletter_id,
            publication_id=publication_id,
            issue=issue,
            at=at,
            due_at=at,
        )
        for webhook in webhooks.order_by("pk")
    )
    if rows:
        jobs.enqueue(jobs.DELIVER_WEBHOOKS)
    return len(rows)
