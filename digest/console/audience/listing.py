"""The list of subscribers: searched, filtered, counted, and exported as it is filtered."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from digest.console.access import parse_id, record_action, scope_of
from digest.console.audience import filter_rules
from digest.console.pages import CSV, attachment, page_view, render_page
from digest.console.tables import Column, Filter, Rows, Table, build_table, narrow
from digest.core import clock
from digest.core.database.limits import within
from digest.newsletters.audiences.models import Segment
from digest.newsletters.members import Right
from digest.newsletters.models import Cadence, Publication
from digest.newsletters.signup_forms.saving import names_of_sources
from digest.subscribers import exporting, profiles
from digest.subscribers.models import ConsentEvent, Growth, Profile, Subscriber, Subscription
from digest.subscribers.segments import counting
from digest.subscribers.segments.membership import Membership
from digest.tenancy.scope import PublicationScope
from digest.tenancy.visibility import (
    details_of,
    subscribers_with_details,
    with_visible_name,
)

PATIENCE = 2_000  # milliseconds for a page of the list
LONGEST_QUERY = 254
TICK_FORM = "selection"
Search = Callable[[Rows, str], Rows]
_CHOICES = {"state": set(Subscription.State.values), "cadence": set(Cadence.values)}


@page_view(Right.SUBSCRIBERS)
def search(request: HttpRequest) -> HttpResponse:
    """Search subscribers by any part of their address or name, and filter them."""
    scope = scope_of(request, Right.SUBSCRIBERS)
    filters, rows = _filters(scope), _rows(request, scope)
    table, search, note = _answer(request, scope, rows, filters)
    matching = narrow(request, rows, filters, search)
    bulk_publications = list(scope.publications().order_by("name", "pk"))
    if table.rows and note != _TOO_SLOW and bulk_publications:
        table = replace(table, tick_form=TICK_FORM)
    context = {
        "table": table,
        "tick_form": TICK_FORM,
        "publications": bulk_publications,
        "count": counting.count(matching, scope.publication_ids),
        "note": note,
        "can_invite": not scope_of(request, Right.SEND).is_empty,
        "can_import": not scope_of(request, Right.MANAGE).is_empty,
        "can_export": note != _TOO_SLOW and not scope_of(request, Right.EXPORT).is_empty,
        "query": _export_query(request, search),
        "segment_url": filter_rules.segment_url(request, scope),
    }
    return render_page(request, "console/audience/subscribers.html", "Subscribers", context)


@page_view(Right.EXPORT)
def export(request: HttpRequest) -> HttpResponseBase:
    """Download the subscriptions of the subscribers that the list's filters select, as CSV.

    It searches as the list did, by the parameter `search`.
    """
    scope = scope_of(request, Right.EXPORT)
    rows = matching_rows(request, scope)
    if within(PATIENCE, lambda: list(rows.order_by("address_key")[:1])) is None:
        messages.error(request, _TOO_SLOW)
        return redirect(f"{reverse('subscribers')}?{request.GET.urlencode()}")
    subscriptions = scope.filter(
        Subscription.objects.filter(subscriber__in=rows), "newsletter__publication"
    )
    subscriptions = with_visible_name(subscriptions, scope)
    _record_export(request, scope)
    lines = exporting.csv_lines(subscriptions, scope.publication_ids)
    return attachment(lines, CSV, "subscribers.csv")


def matching_rows(request: HttpRequest, scope: PublicationScope) -> QuerySet[Subscriber]:
    """Return the subscribers whom the query of a request selects, searched as the list did."""
    search = _at_start if request.GET.get("search") == _START else _contains
    return narrow(request, _rows(request, scope), _filters(scope), search)


def matching_words(request: HttpRequest, scope: PublicationScope) -> str:
    """Return in words whom the query of a request selects: "State: subscribed; Tag: vip"."""
    parts = [
        f"{row.label}: {dict(row.choices).get(value, value)}"
        for row in _filters(scope)
        if (value := request.GET.get(row.name, ""))
    ]
    if query := request.GET.get("q", "").strip():
        parts.append(f"Email or name contains “{query}”")
    return "; ".join(parts) or "All subscribers"


def _answer(
    request: HttpRequest, scope: PublicationScope, rows: Rows, filters: tuple[Filter, ...]
) -> tuple[Table, Search, str]:
    """Return the first page, how it was searched, and a note where that is not everywhere."""
    searches = [(_contains, ""), (_at_start, _SLOW)] if request.GET.get("q") else [(_contains, "")]
    for search, note in searches:
        build = partial(_table, request, scope, rows, filters, search)
        if table := within(PATIENCE, build):
            return table, search, note
    table = _table(request, scope, rows.none(), filters, _at_start)
    return replace(table, empty="No answer in time."), _at_start, _TOO_SLOW


def _export_query(request: HttpRequest, search: Search) -> str:
    """Return the query with which the export selects what the list shows."""
    query = request.GET.copy()
    query.pop("search", None)
    if search is _at_start:
        query["search"] = _START
    return query.urlencode()


def _record_export(request: HttpRequest, scope: PublicationScope) -> None:
    """Record an export in the audit log of each publication that it is about."""
    publications = Publication.objects.filter(newsletters__in=scope.newsletters()).distinct()
    if newsletter_id := parse_id(request.GET.get("newsletter", "")):
        publications = publications.filter(newsletters=newsletter_id)
    if segment_id := parse_id(request.GET.get("segment", "")):
        publications = publications.filter(segments=segment_id)
    target = request.GET.urlencode() or "all of them"
    for publication_id in publications.values_list("pk", flat=True):
        record_action(request, "exported subscribers", target, publication_id)


_START = "start"
_TOO_SLOW = (
    "This takes too long here. Narrow it down, for example by a newsletter, or search for how the "
    "address begins."
)
_SLOW = (
    "Searching every address takes too long here, so these are the addresses that begin with your "
    "search."
)


def _table(
    request: HttpRequest,
    scope: PublicationScope,
    rows: Rows,
    filters: tuple[Filter, ...],
    search: Search,
) -> Table:
    return build_table(
        request,
        rows,
        (
            Column("Email", lambda row: row.email),
            Column("Name", lambda row: details_of(row, scope).name),
            Column(
                "Known since",
                lambda row: clock.format_moment(details_of(row, scope).known_since),
            ),
        ),
        label="Subscribers",
        url=lambda row: reverse("subscriber", args=[row.pk]),
        empty="No subscribers yet.",
        filters=filters,
        search=search,
        search_label="Email or name contains",
        keyset="address_key",
    )


def _rows(request: HttpRequest, scope: PublicationScope) -> QuerySet[Subscriber]:
    """Return the subscribers in scope one of whose subscriptions is as the filters want it."""
    rows = subscribers_with_details(scope)
    choices: dict[str, object] = {
        name: value
        for name, values in _CHOICES.items()
        if (value := request.GET.get(name, "")) in values
    }
    if newsletter_id := parse_id(request.GET.get("newsletter", "")):
        choices["newsletter"] = newsletter_id
    if not choices:
        return rows
    subscriptions = scope.filter(Subscription.objects.all(), "newsletter__publication")
    return rows.filter(Exists(subscriptions.filter(subscriber=OuterRef("pk"), **choices)))


def _filters(scope: PublicationScope) -> tuple[Filter, ...]:
    newsletters = list(scope.newsletters().order_by("name", "pk").values_list("pk", "name"))
    segments = scope.filter(Segment.objects.order_by("name", "pk")).values_list("pk", "name")
    sources = Growth.objects.exclude(source="").filter(
        newsletter_id__in=[pk for pk, _ in newsletters]
    )
    vias = list(sources.order_by("source").values_list("source", flat=True).distinct()[:100])
    forms = names_of_sources(vias)
    tags = profiles.tags_in(scope.publication_ids)
    return (
        Filter("newsletter", "Newsletter", _named(newsletters), _unchanged),
        Filter("state", "State", Subscription.State.choices, _unchanged),
        Filter("cadence", "Cadence", Cadence.choices, _unchanged),
        Filter(
            "source",
            "Source",
            [(via, forms.get(via, via)) for via in vias],
            _signed_up_by(scope),
            are_examples=True,
        ),
        Filter("tag", "Tag", _examples(tags), _tagged(scope), are_examples=True),
        Filter("segment", "Segment", _named(list(segments)), _in_segment),
    )


def _named(pairs: list[tuple[int, str]]) -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in pairs]


def _examples(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


def _unchanged(rows: Rows, _value: str) -> Rows:
    return rows  # `_rows` compares a subscription with all of them


def _signed_up_by(scope: PublicationScope) -> Any:
    def apply(rows: Rows, via: str) -> Rows:
        events = ConsentEvent.objects.filter(subscriber=OuterRef("pk"), via=via).exclude(
            action=ConsentEvent.Action.UNSUBSCRIBED
        )
        return rows.filter(Exists(scope.filter(events, "newsletter__publication")))

    return apply


def _tagged(scope: PublicationScope) -> Any:
    def apply(rows: Rows, tag: str) -> Rows:
        tagged = Profile.objects.filter(subscriber=OuterRef("pk"), tags__contains=[tag.casefold()])
        return rows.filter(Exists(scope.filter(tagged)))

    return apply


def _in_segment(rows: Rows, segment_id: str) -> Rows:
    segment = Segment.objects.select_related("publication").filter(pk=segment_id).first()
    if segment is None:
        return rows.none()  # deleted a moment ago
    return rows.filter(Membership.of(segment, clock.now()).condition("pk"))


def _contains(rows: Rows, query: str) -> Rows:
    text = query[:LONGEST_QUERY]
    return rows.filter(
        Q(address_key__contains=text.casefold()) | Q(name__icontains=text, is_elsewhere=False)
    )


def _at_start(rows: Rows, query: str) -> Rows:
    return rows.filter(address_key__startswith=query.casefold()[:LONGEST_QUERY])
