"""All that is known of one subscriber, as plain values: for themselves, and for an operator."""

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet

from digest.notices.models import Notice
from digest.sending import history
from digest.sending.models import AnyDelivery
from digest.subscribers.models import Subscriber, Subscription
from digest.subscribers.suppression import on_address


def everything(subscriber: Subscriber, deliveries: int | None = None) -> dict[str, Any]:
    """Return what is stored about a subscriber; of deliveries the latest few, or all of them.

    Times are aware datetimes in UTC. The keys are those that a download and `--json` show.
    """
    return {
        "email": subscriber.email,
        "name": subscriber.name,
        "language": subscriber.language,
        "timezone": subscriber.timezone,
        "known_since": subscriber.created_at,
        "subscriptions": [subscription_facts(one) for one in _subscriptions(subscriber)],
        "suppressions": _suppressions(subscriber),
        "consent": _consent(subscriber),
        "address_changes": list(
            subscriber.address_changes.order_by("id").values("email", "asked_at", "confirmed_at")
        ),
        "reasons_given": list(
            subscriber.unsubscribe_feedback.order_by("id").values(
                "newsletter__slug", "reason", "words", "at"
            )
        ),
        "notices": [_notice_facts(one) for one in subscriber.notices.order_by("id")],
        "deliveries": [
            _delivery_facts(one) for one in history.of_subscriber(subscriber)[:deliveries]
        ],
    }


def of_newsletters(known: dict[str, Any], slugs: Collection[str]) -> dict[str, Any]:
    """Return of what `everything` said only what is about these newsletters, and the subscriber."""
    return {
        name: [row for row in value if _newsletter_of(row) in slugs]
        if isinstance(value, list)
        else value
        for name, value in known.items()
    }


def subscription_facts(asked: Subscription) -> dict[str, Any]:
    """Return what a subscriber asked of one newsletter."""
    return {
        "email": asked.subscriber.email,
        "newsletter": asked.newsletter.slug,
        "state": asked.state,
        "cadence": asked.cadence,
        "topics": asked.topics,
        "subscribed_at": asked.created_at,
        "confirmed_at": asked.confirmed_at,
        "unsubscribed_at": asked.unsubscribed_at,
        "paused_until": asked.paused_until,
    }


def _subscriptions(subscriber: Subscriber) -> QuerySet[Subscription]:
    return subscriber.subscriptions.select_related("newsletter", "subscriber").order_by("id")


def _suppressions(subscriber: Subscriber) -> list[dict[str, Any]]:
    return [
        {
            "newsletter": held.newsletter.slug if held.newsletter else None,
            "reason": held.reason,
            "evidence": held.evidence,
            "since": held.created_at,
        }
        for held in on_address(subscriber.address_key)
    ]


def _consent(subscriber: Subscriber) -> list[dict[str, Any]]:
    events = subscriber.consent_events.select_related("newsletter").order_by("id")
    return [
        {
            "at": event.at,
            "action": event.action,
            "newsletter": event.newsletter.slug,
            "via": event.via,
            "ip": event.ip,
            "wording": event.wording,
            "wording_version": event.wording_version,
        }
        for event in events
    ]


def _delivery_facts(one: AnyDelivery) -> dict[str, Any]:
    return {
        "issue": one.issue_id,
        "newsletter": one.issue.newsletter.slug,
        "slot": one.issue.slot,
        "state": one.get_state_display(),
        "at": one.at,
        "attempts": one.attempts,
        "reply": f"{one.reply_code or ''} {one.reply}".strip(),
    }


def _notice_facts(one: Notice) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "at": one.settled_at or one.due_at,
        "state": Notice.State(one.state).label,
        "reply": f"{one.reply_code or ''} {one.reply}".strip(),
    }


def _newsletter_of(row: dict[str, Any]) -> str | None:
    slug: str | None = row.get("newsletter", row.get("newsletter__slug"))
    return slug
