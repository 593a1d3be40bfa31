"""What is stored about the clicks of one subscriber: looked up, shown to them, erased with them."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from digest.analytics.models import Hit, HitKind, Verdict
from digest.analytics.verdicts.reasons import explain
from digest.core.links import Named
from digest.issues.models import Issue, TrackedLink


def clicked_since(newsletter_ids: Collection[int], since: datetime, subscriber: str) -> Exists:
    """Return the condition that a subscriber clicked, as a person, in a newsletter's issue.

    `subscriber` is the outer field with their id, `since` is aware. Only where a publication counts
    the clicks of each subscriber are there any.
    """
    issues = Issue.objects.filter(pk=OuterRef("issue_id"), newsletter__in=newsletter_ids)
    return Exists(
        Hit.objects.filter(
            Exists(issues),
            subscriber_id=OuterRef(subscriber),
            at__gte=since,
            kind=HitKind.CLICK,
            verdict=Verdict.HUMAN,
        )
    )


def export_hits(subscriber: Named) -> list[dict[str, Any]]:
    """Return a subscriber's hits that are kept, the oldest first, as plain values."""
    hits = list(Hit.objects.filter(subscriber_id=subscriber.pk).order_by("at"))
    urls = dict(
        TrackedLink.objects.filter(pk__in={hit.link_id for hit in hits}).values_list("pk", "url")
    )
    slugs = _newsletter_slugs(hits)
    return [
        {
            "at": hit.at,
            "issue": hit.issue_id,
            "newsletter": slugs.get(hit.issue_id),
            "kind": HitKind(hit.kind).label,
            "target": urls.get(hit.link_id, ""),
            "network": hit.network,
            "program": hit.agent,
            "verdict": Verdict(hit.verdict).label if hit.verdict else "",
            "reasons": explain(hit.reasons),
        }
        for hit in hits
    ]


def erase(subscriber: Named) -> None:
    """Delete a subscriber's hits; totals have no names and stay."""
    Hit.objects.filter(subscriber_id=subscriber.pk).delete()


def _newsletter_slugs(hits: Iterable[Hit]) -> dict[int, str]:
    issues = Issue.objects.filter(pk__in={hit.issue_id for hit in hits})
    return dict(issues.values_list("pk", "newsletter__slug"))
