"""Segments: listed, built from rules with a live preview, used and deleted."""

import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from digest.accounts.models import User
from digest.console import edit_conflicts, pages
from digest.console.access import record_action, scope_of, user_of
from digest.console.lists import render_list
from digest.console.tables import Column, Filter, search_in
from digest.core import clock
from digest.core.errors import DigestError
from digest.core.text import printable, read_json
from digest.newsletters import contributions
from digest.newsletters.audiences.models import Segment
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.subscribers.segments import counting, saving, wording
from digest.subscribers.segments.conditions import members
from digest.subscribers.segments.fields import Catalog, Field, catalog_of
from digest.subscribers.segments.rules import Operator, RuleError

OPERATORS = {
    Operator.IS: "is",
    Operator.IS_NOT: "is not",
    Operator.CONTAINS: "contains",
    Operator.ENDS_WITH: "ends with",
    Operator.MORE_THAN: "is more than",
    Operator.LESS_THAN: "is less than",
    Operator.BEFORE: "is before",
    Operator.AFTER: "is after",
    Operator.IN_LAST: "in the last (days)",
    Operator.NOT_IN_LAST: "not in the last (days)",
    Operator.IS_SET: "is known",
    Operator.IS_NOT_SET: "is not known",
}
EMPTY: Mapping[str, Any] = {"match": "all", "rules": []}


@pages.page_view(Right.SUBSCRIBERS)
def segments(request: HttpRequest) -> HttpResponse:
    """List segments."""
    publications = list(_publications(request))
    first, *further = [
        (_new_label(row, publications), reverse("segment-add", args=[row.pk]))
        for row in publications
    ] or [("", "")]
    links = [*further, ("Attributes", reverse("attributes"))]
    return render_list(
        request,
        "Segments",
        _segments(request).order_by("name", "pk"),
        (
            Column("Name", str, "name"),
            Column("Publication", lambda row: row.publication.name, "publication__name"),
            Column("Changed", lambda row: clock.format_moment(row.changed_at), "changed_at"),
        ),
        url=lambda row: reverse("segment", args=[row.pk]),
        empty="No segments yet. A segment is a group of subscribers for whom rules hold.",
        filters=(
            Filter(
                "publication",
                "Publication",
                [(str(row.pk), row.name) for row in publications],
                lambda rows, value: rows.filter(publication=value),
            ),
        ),
        search=search_in("name"),
        search_label="Name contains",
        context={"add_label": first[0], "add_url": first[1], "links": links},
    )


@pages.form_view(Right.SUBSCRIBERS)
def new(request: HttpRequest, publication: int) -> HttpResponse:
    """Build a segment of a publication; `?rules=` are those to begin with."""
    row: Publication = get_object_or_404(_publications(request), pk=publication)
    if request.method == "POST":
        return _save(request, row, None)
    try:
        rules = _document(request.GET.get("rules", ""))
    except RuleError:
        rules = EMPTY
    return _page(request, catalog_of(row), None, "", rules)


@pages.form_view(Right.SUBSCRIBERS)
def segment(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a segment, or change it."""
    row: Segment = get_object_or_404(_segments(request), pk=pk)
    if request.method == "POST":
        return _save(request, row.publication, row)
    return _page(request, catalog_of(row.publication), row, row.name, row.rules, _stored(row))


@pages.action_view(Right.SUBSCRIBERS)
def preview(request: HttpRequest, publication: int) -> HttpResponse:
    """Show whom the rules of a form select: in words, how many, and the first of them."""
    row: Publication = get_object_or_404(_publications(request), pk=publication)
    catalog = catalog_of(row)
    try:
        rules = catalog.read(_document(request.POST.get("rules", "")))
    except DigestError as problem:
        context: dict[str, Any] = {"problem": str(problem)}
    else:
        rows = members(catalog, rules, clock.now())
        context = {
            "description": wording.describe(catalog, rules),
            "count": counting.count(rows, [row.pk]),
            "subscribers": counting.preview(rows, [row.pk]),
        }
    return pages.render_fragment(request, "console/audience/_preview.html", context)


@pages.action_view(Right.SUBSCRIBERS)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a segment that nothing uses."""
    row: Segment = get_object_or_404(_segments(request), pk=pk)
    with pages.problems_on(request):
        saving.delete(row)
        record_action(request, "deleted the segment", row.name, row.publication_id)
        return pages.done(request, f"The segment “{row.name}” was deleted.", "segments")
    return redirect("segment", pk)


def _save(request: HttpRequest, publication: Publication, row: Segment | None) -> HttpResponse:
    name, rules = request.POST.get("name", ""), EMPTY
    stored = _stored(row) if row else None  # what cannot be saved is in the row then
    try:
        rules = _document(request.POST.get("rules", ""))
        if stored and edit_conflicts.is_outdated(request, stored):
            raise RuleError(edit_conflicts.CHANGED)
        if row is None:
            row = saving.create(publication, name, rules, clock.now())
        else:
            _change(row, name, rules, user_of(request))
    except DigestError as problem:
        catalog = catalog_of(publication)
        return _page(request, catalog, row, name, rules, stored, problem=str(problem))
    record_action(request, "saved the segment", row.name, publication.pk)
    return pages.done(request, "The segment was saved.", "segment", row.pk)


def _stored(row: Segment) -> dict[str, Any]:
    return {"name": row.name, "rules": row.rules}


def _change(row: Segment, name: str, rules: Any, by: User) -> None:
    """Change a segment; new rules are a change of what issues are made of."""
    with transaction.atomic():
        if saving.change(row, name, rules, clock.now()):
            contributions.note(by, row.publication)


def _page(
    request: HttpRequest,
    catalog: Catalog,
    row: Segment | None,
    name: str,
    rules: Mapping[str, Any],
    stored: Mapping[str, Any] | None = None,
    *,
    problem: str = "",
) -> HttpResponse:
    context = {
        "segment": row,
        "name": name,
        "publication": catalog.publication,
        "document": rules,
        "document_text": printable(json.dumps(rules, indent=2, ensure_ascii=False)),
        "fields": [_field(field) for field in catalog.fields.values()],
        "problem": problem,
        "stored": stored,
        "users": _users(row) if row else [],
    }
    title = name or "New segment"
    return pages.render_page(request, "console/audience/segment.html", title, context)


def _field(field: Field) -> dict[str, Any]:
    """Return a field as the rule builder takes it (static/console/segments.js)."""
    return {
        "key": field.key,
        "label": field.label,
        "operators": [
            {"key": row, "label": OPERATORS[row], "input": field.input_of(row)}
            for row in field.operators
        ],
        "choices": [{"value": value, "label": str(label)} for value, label in field.choices],
    }


def _users(row: Segment) -> list[tuple[str, str]]:
    """Return what uses a segment: its name, and the address of its page."""
    issues = [
        (f"Issue: {issue.subject or issue}", reverse("issue:detail", args=[issue.pk]))
        for issue in row.issues.select_related("newsletter").order_by("-pk")[:10]
    ]
    blocks = row.blocks.select_related("issue__newsletter").order_by("-pk")[:10]
    issues += [
        (f"Block of {block.issue}", reverse("issue:detail", args=[block.issue_id]))
        for block in blocks
    ]
    layouts = row.layoutblocks.select_related("newsletter").order_by("pk")[:10]
    issues += [
        (f"Layout of {block.newsletter}", reverse("newsletter", args=[block.newsletter_id]))
        for block in layouts
    ]
    appeals = row.appeals.order_by("pk")[:10]
    return issues + [(f"{row}", reverse("appeal", args=[row.pk])) for row in appeals]


def _document(text: str) -> Any:
    document = read_json(
        text, RuleError("The rules cannot be read. Reload the page and try again.")
    )
    return document if isinstance(document, dict) else EMPTY


def _publications(request: HttpRequest) -> QuerySet[Publication]:
    return scope_of(request, Right.SUBSCRIBERS).publications().order_by("name", "pk")


def _segments(request: HttpRequest) -> QuerySet[Segment]:
    scope = scope_of(request, Right.SUBSCRIBERS)
    return scope.filter(Segment.objects.select_related("publication"))


def _new_label(publication: Publication, publications: list[Publication]) -> str:
    return "New segment" if len(publications) == 1 else f"New segment of {publication.name}"
