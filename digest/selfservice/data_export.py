"""Everything that is stored about one subscriber, as plain values, for them and for an operator."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from digest.analytics import clickers
from digest.bounces.models import Bounce, SunsetQuestion
from digest.entitlements import personal_data
from digest.newsletters.models import Newsletter
from digest.notices.models import Notice
from digest.sending import history
from digest.sending.models import AnyDelivery, VariantChoice
from digest.series.models import Enrolment
from digest.series.numbers import enrolments_of, passages_of
from digest.subscribers.models import Subscriber, Subscription
from digest.subscribers.suppression import suppressions_of
from digest.tenancy.scope import PublicationScope
from digest.tenancy.visibility import details_of


def export_subscriber(subscriber: Subscriber, most_deliveries: int | None = None) -> dict[str, Any]:
    """Return what is stored about a subscriber, with the latest deliveries or all of them.

    Times are aware datetimes in UTC. The keys are those of a download and of `--json`.
    """
    subscriptions = subscriber.subscriptions.select_related("newsletter", "subscriber")
    return {
        "email": subscriber.email,
        "name": subscriber.name,
        "language": subscriber.language,
        "timezone": subscriber.timezone,
        "known_since": subscriber.created_at,
        "last_active_at": subscriber.acted_at,
        "subscriptions": [export_subscription(row) for row in subscriptions.order_by("id")],
        "profiles": _profiles(subscriber),
        "suppressions": _suppressions(subscriber),
        "consent": _consent(subscriber),
        "address_changes": list(
            subscriber.address_changes.order_by("id").values(
                "email", "requested_at", "confirmed_at"
            )
        ),
        "unsubscribe_feedback": list(
            subscriber.unsubscribe_feedback.order_by("id").values(
                "newsletter__slug", "reason", "comment", "at"
            )
        ),
        "bounces": [
            _bounce(row)
            for row in subscriber.bounces.select_related("issue__newsletter").order_by("id")
        ],
        "questions_to_stay": _questions(subscriber),
        "clicks": clickers.export_hits(subscriber),
        "memberships": personal_data.export(subscriber),
        "series": [_enrolment(row) for row in enrolments_of(subscriber)],
        "notices": [_notice(row) for row in subscriber.notices.order_by("id")],
        "experiments": _experiments(subscriber),
        "deliveries": [
            _delivery(row) for row in history.of_subscriber(subscriber)[:most_deliveries]
        ],
    }


def export_in_scope(subscriber: Subscriber, scope: PublicationScope) -> dict[str, Any]:
    """Return the part of an export that somebody with a scope may see.

    Rows about newsletters in scope, and what `details_of` returns. `subscriber` is one of
    `subscribers_with_details(scope)`.
    """
    data = export_subscriber(subscriber)
    if scope.is_everything:
        return data
    slugs = set(scope.newsletters().values_list("slug", flat=True))
    publications = set(scope.publications().values_list("slug", flat=True))
    limited = limit_to_newsletters(data, slugs, publications)
    return limited | asdict(details_of(subscriber, scope))


def limit_to_newsletters(
    data: dict[str, Any], slugs: Collection[str], publications: Collection[str] | None = None
) -> dict[str, Any]:
    """Return an export with only the rows about these newsletters, and the personal data.

    Of the profiles those of these publications remain, of the newsletters' own for None.
    """
    if publications is None:
        own = Newsletter.objects.filter(slug__in=slugs)
        publications = set(own.values_list("publication__slug", flat=True))
    return {
        name: [
            row
            for row in value
            if _newsletter_slug(row) in slugs or row.get("publication") in publications
        ]
        if isinstance(value, list)
        else value
        for name, value in data.items()
    }


def export_subscription(subscription: Subscription) -> dict[str, Any]:
    """Return one subscription as plain values."""
    return {
        "email": subscription.subscriber.email,
        "newsletter": subscription.newsletter.slug,
        "state": subscription.state,
        "cadence": subscription.cadence,
        "topics": subscription.topics,
        "muted_topics": subscription.muted_topics,
        "subscribed_at": subscription.created_at,
        "confirmed_at": subscription.confirmed_at,
        "unsubscribed_at": subscription.unsubscribed_at,
        "paused_until": subscription.paused_until,
    }


def _profiles(subscriber: Subscriber) -> list[dict[str, Any]]:
    rows = subscriber.profiles.select_related("publication").order_by("id")
    return [
        {
            "publication": row.publication.slug,
            "tags": row.tags,
            "attributes": row.attributes,
        }
        | (
            {"entered_at_sign_up": [request["values"] for request in row.unconfirmed]}
            if row.unconfirmed
            else {}
        )
        for row in rows
    ]


def _suppressions(subscriber: Subscriber) -> list[dict[str, Any]]:
    return [
        {
            "newsletter": suppression.newsletter.slug if suppression.newsletter else None,
            "reason": suppression.reason,
            "evidence": suppression.evidence,
            "since": suppression.created_at,
        }
        for suppression in suppressions_of(subscriber.address_key)
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
            "page": event.page,
            "campaign": event.campaign,
        }
        for event in events
    ]


def _bounce(bounce: Bounce) -> dict[str, Any]:
    return {
        "at": bounce.at,
        "issue": bounce.issue_id,
        "newsletter": bounce.issue.newsletter.slug if bounce.issue else None,
        "complaint": bounce.is_complaint,
        "reason": bounce.reason,
        "consequence": bounce.consequence,
        "source": bounce.source,
        "reply": bounce.reply,
    }


def _questions(subscriber: Subscriber) -> list[dict[str, Any]]:
    rows = SunsetQuestion.objects.filter(subscription__subscriber=subscriber)
    return [
        {
            "newsletter": row.subscription.newsletter.slug,
            "asked_at": row.asked_at,
            "outcome": row.get_outcome_display(),
            "settled_at": row.settled_at,
        }
        for row in rows.select_related("subscription__newsletter").order_by("id")
    ]


def _experiments(subscriber: Subscriber) -> list[dict[str, Any]]:
    rows = VariantChoice.objects.filter(subscriber=subscriber)
    return [
        {
            "newsletter": row.issue.newsletter.slug,
            "issue": row.issue_id,
            "variant": row.variant,
            "at": row.at,
        }
        for row in rows.select_related("issue__newsletter").order_by("issue_id")
    ]


def _delivery(delivery: AnyDelivery) -> dict[str, Any]:
    return {
        "issue": delivery.issue_id,
        "newsletter": delivery.issue.newsletter.slug,
        "slot": delivery.issue.slot,
        "state": delivery.get_state_display(),
        "at": delivery.at,
        "attempts": delivery.attempts,
        "reply": f"{delivery.reply_code or ''} {delivery.reply}".strip(),
    }


def _enrolment(enrolment: Enrolment) -> dict[str, Any]:
    return {
        "newsletter": enrolment.series.newsletter.slug,
        "name": enrolment.series.name,
        "entered_at": enrolment.entered_at,
        "state": enrolment.get_state_display(),
        "ended_at": enrolment.ended_at,
        "steps": [
            {
                "subject": passage.step.draft.own_subject,
                "at": passage.at,
                "outcome": passage.outcome,
            }
            for passage in passages_of(enrolment)
        ],
    }


def _notice(notice: Notice) -> dict[str, Any]:
    return {
        "kind": notice.kind,
        "at": notice.settled_at or notice.due_at,
        "state": Notice.State(notice.state).label,
        "reply": f"{notice.reply_code or ''} {notice.reply}".strip(),
    }


def _newsletter_slug(row: dict[str, Any]) -> str | None:
    slug: str | None = row.get("newsletter", row.get("newsletter__slug"))
    return slug
