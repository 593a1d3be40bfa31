"""The list of subscribers: searched, filtered, counted, and exported as it is filtered."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse

from digest.console.access import parse_id, record_action, scope_of
from digest.console.pages import page_view, render_page
from digest.console.tables import Column, Filter, Rows, Table, build_table, narrow
from digest.core import clock
from digest.core.database.limits import within
from digest.newsletters.audiences.models import Segment
from digest.newsletters.members import Right
from digest.newsletters.models import Cadence
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
_CHOICES = {"state": set(Subscription.State.values), "cadence": set(Cadence.values)}


@page_view(Right.SUBSCRIBERS)
def search(request: HttpRequest) -> HttpResponse:
    """Search subscribers by any part of their address or name, and filter them."""
    scope = scope_of(request, Right.SUBSCRIBERS)
    filters, rows = _filters(scope), _rows(request, scope)
    table = within(PATIENCE, lambda: _table(request, scope, rows, filters, _anywhere))
    note = "" if table else _SLOW
    table = table or _table(request, scope, rows, filters, _at_start)
    matching = narrow(request, rows, filters, _anywhere if not note else _at_start)
    context = {
        "table": table,
        "count": counting.count(matching),
        "note": note,
        "can_import": not scope_of(request, Right.MANAGE).is_empty,
        "can_export": not scope_of(request, Right.EXPORT).is_empty,
        "query": request.GET.urlencode(),
    }
    return render_page(request, "console/audience/subscribers.html", "Subscribers", context)


@page_view(Right.EXPORT)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Download the subscriptions of the subscribers that the list's filters select, as CSV."""
    scope = scope_of(request, Right.EXPORT)
    rows = narrow(request, _rows(request, scope), _filters(scope), _anywhere)
    subscriptions = scope.filter(
        Subscription.objects.filter(subscriber__in=rows), "newsletter__publication"
    )
    subscriptions = with_visible_name(subscriptions, scope)
    record_action(request, "exported subscribers", request.GET.urlencode() or "all of them")
    response = StreamingHttpResponse(_lines(subscriptions), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="subscribers.csv"'
    return response


_SLOW = (
    "Searching every address takes too long here, so these are the addresses that begin with your "
    "search."
)


def _table(
    request: HttpRequest,
    scope: PublicationScope,
    rows: Rows,
    filters: tuple[Filter, ...],
    search: Any,
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
    vias = sorted(set(sources.values_list("source", flat=True).distinct()[:100]))
    tags = profiles.tags_in(scope.publication_ids)
    return (
        Filter("newsletter", "Newsletter", _named(newsletters), _unchanged),
        Filter("state", "State", Subscription.State.choices, _unchanged),
        Filter("cadence", "Cadence", Cadence.choices, _unchanged),
        Filter("source", "Source", [(via, via) for via in vias], _signed_up_by(scope)),
        Filter("tag", "Tag", [(tag, tag) for tag in tags], _tagged(scope)),
        Filter("segment", "Segment", _named(list(segments)), _in_segment),
    )


def _named(pairs: list[tuple[int, str]]) -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in pairs]


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
        tagged = Profile.objects.filter(subscriber=OuterRef("pk"), tags__contains=[tag])
        return rows.filter(Exists(scope.filter(tagged)))

    return apply


def _in_segment(rows: Rows, segment_id: str) -> Rows:
    segment = Segment.objects.select_related("publication").get(pk=segment_id)
    return rows.filter(Membership.of(segment, clock.now()).condition("pk"))


def _anywhere(rows: Rows, query: str) -> Rows:
    text = query[:LONGEST_QUERY]
    return rows.filter(
        Q(address_key__contains=text.casefold()) | Q(name__icontains=text, is_elsewhere=False)
    )


def _at_start(rows: Rows, query: str) -> Rows:
    return rows.filter(address_key__startswith=query.casefold()[:LONGEST_QUERY])


def _lines(subscriptions: QuerySet[Subscription]) -> Iterator[str]:
    """Yield the lines of a CSV file as they are read."""
    return exporting.csv_lines(subscriptions)
