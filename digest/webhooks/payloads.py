"""The body of a webhook delivery, as Standard Webhooks has it: type, timestamp and data."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from digest.analytics.experiments import reporting
from digest.analytics.statistics.totals import numbers_of
from digest.analytics.statistics.values import number_values
from digest.bounces.models import Bounce, Drop
from digest.core import links
from digest.issues.models import Issue
from digest.reputation.recipients.providers import name_of
from digest.sending.models import Delivery
from digest.sending.progress import progress
from digest.webhooks import statistics
from digest.webhooks.events import Event
from digest.webhooks.models import WebhookDelivery


def payload_of(delivery: WebhookDelivery) -> bytes:
    """Return the JSON body; what it says of subscriber and issue is as of now."""
    payload = {
        "type": delivery.event,
        "timestamp": delivery.at.isoformat(),
        "data": {
            **_place(delivery),
            **_subscriber_data(delivery),
            **_issue_data(delivery),
            **_bounce_data(delivery),
            **_series_data(delivery),
            **(delivery.details or {}),
        },
    }
    return json.dumps(
        payload, ensure_ascii=False, separators=(",", ":"), default=datetime.isoformat
    ).encode()


def message_id(delivery: WebhookDelivery) -> str:
    """Return the id of an event for a webhook, the same at every attempt."""
    return f"msg_{links.sign_rows('webhook-message', delivery)}"


def _place(delivery: WebhookDelivery) -> dict[str, Any]:
    """Return where it happened; an event of the whole installation has neither of them."""
    if newsletter := delivery.newsletter:
        return {"newsletter": newsletter.slug, "publication": newsletter.publication.slug}
    publication = delivery.publication.slug if delivery.publication else None
    return {"newsletter": None, "publication": publication}


def _subscriber_data(delivery: WebhookDelivery) -> dict[str, Any]:
    if delivery.subscriber is None:
        return {}
    subscriber = delivery.subscriber
    return {
        "subscriber": subscriber.pk,
        "subscriber_uuid": str(subscriber.uuid),
        "email": subscriber.email,
    }


def _issue_data(delivery: WebhookDelivery) -> dict[str, Any]:
    if (issue := delivery.issue) is None:
        return {}
    data: dict[str, Any] = {
        "issue": issue.pk,
        "issue_uuid": str(issue.uuid),
        "slot": issue.slot.isoformat(),
    }
    if delivery.details is not None:
        data |= {"subject": issue.subject}
    elif delivery.event == Event.STATISTICS:
        data |= {"subject": issue.subject, "hours": statistics.hours_of(delivery)}
        data |= number_values(numbers_of([issue.pk])[issue.pk])
    elif delivery.event == Event.DROPPED:
        data |= {"subject": issue.subject, "drops": _drops_of(issue)}
    elif delivery.event == Event.DECIDED:
        report = reporting.report_of(issue)
        data |= {"subject": issue.subject}
        data |= {"experiment": reporting.values_of(report) if report else None}
    elif delivery.delivery_id is None:
        counts = progress(issue)
        data |= {"subject": issue.subject, "eligible": counts.eligible, **asdict(counts)}
    return data


def _drops_of(issue: Issue) -> list[dict[str, Any]]:
    """Return the drops of an issue; shares are from 0 to 1."""
    return [
        {
            "destination": name_of(row.destination),
            "kind": row.kind,
            "mails": row.mails,
            "share": round(row.share, 4),
            "usual_share": round(row.usual_share, 4),
        }
        for row in Drop.objects.filter(issue=issue).order_by("destination", "kind")
    ]


def _series_data(delivery: WebhookDelivery) -> dict[str, Any]:
    if (enrolment := delivery.enrolment) is None:
        return {}
    return {
        "series": enrolment.series_id,
        "series_uuid": str(enrolment.series.uuid),
        "name": enrolment.series.name,
        "state": enrolment.state,
        "entered_at": enrolment.entered_at.isoformat(),
    }


def _bounce_data(delivery: WebhookDelivery) -> dict[str, Any]:
    """Return the server's reply: of the refusal, else of the report that came later."""
    if delivery.delivery_id is None:
        return {}
    refused = Delivery.objects.filter(pk=delivery.delivery_id, state=Delivery.State.FAILED).first()
    if refused and delivery.event == Event.BOUNCED:
        return {"code": refused.reply_code, "reply": refused.reply}
    bounce = Bounce.objects.filter(
        subscriber=delivery.subscriber,
        issue=delivery.issue,
        is_complaint=delivery.event == Event.COMPLAINED,
    ).first()
    return {"code": bounce.code, "reply": bounce.text, "reason": bounce.reason} if bounce else {}
