"""The filters of the list as the rules of a new segment, which the editor sees before saving it."""

import json
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from digest.console.access import parse_id
from digest.newsletters.audiences.models import Segment
from digest.newsletters.models import Newsletter
from digest.subscribers.segments.rules import DEEPEST
from digest.tenancy.scope import PublicationScope

_FIELDS = ("state", "cadence", "source", "tag")
Rules = list[dict[str, Any]]


def segment_url(request: HttpRequest, scope: PublicationScope) -> str:
    """Return the address of a new segment with the rules of the list's filters.

    Empty where nothing is filtered, or where it is not clear of which publication it would be.
    """
    newsletter = _chosen(request, "newsletter", scope.newsletters())
    segment = _chosen(request, "segment", scope.filter(Segment.objects.all()))
    publication_ids = {row.publication_id for row in (newsletter, segment) if row} or set(
        scope.publications().values_list("pk", flat=True)[:2]
    )
    rules = _rules(request, newsletter, segment)
    if not rules or len(publication_ids) != 1:
        return ""
    query = urlencode({"rules": json.dumps({"match": "all", "rules": rules})})
    return f"{reverse('segment-add', args=list(publication_ids))}?{query}"


def _rules(request: HttpRequest, newsletter: Newsletter | None, segment: Segment | None) -> Rules:
    rules: Rules = []
    if newsletter:
        rules.append(_equal("newsletter", newsletter.slug))
    rules += [_equal(name, value) for name in _FIELDS if (value := request.GET.get(name, ""))]
    if query := request.GET.get("q", "").strip():
        rules.append({"field": "email", "operator": "contains", "value": query})
    if segment:
        rules += _rules_of(segment)
    return rules


def _rules_of(segment: Segment) -> Rules:
    """Return the rules of a segment, as a group of its own where one of them is enough."""
    rules: Rules = segment.rules["rules"]
    if segment.rules["match"] == "all" or len(rules) < 2:
        return rules
    return [segment.rules] if _depth(segment.rules) < DEEPEST else []


def _depth(group: dict[str, Any]) -> int:
    inner = (_depth(row) for row in group["rules"] if "rules" in row)
    return 1 + max(inner, default=0)


def _equal(field: str, value: str) -> dict[str, Any]:
    return {"field": field, "operator": "is", "value": value}


def _chosen(request: HttpRequest, name: str, rows: Any) -> Any:
    pk = parse_id(request.GET.get(name, ""))
    return rows.filter(pk=pk).first() if pk else None
