"""The list of appeals and sponsors."""

from datetime import datetime

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from digest.console.access import scope_of
from digest.console.lists import render_list
from digest.console.pages import page_view
from digest.console.tables import Column, Filter, Rows
from digest.core import clock
from digest.newsletters.members import Right
from digest.newsletters.models import Appeal

State = Appeal.State


@page_view(Right.SEE)
def appeals(request: HttpRequest) -> HttpResponse:
    """List appeals, the latest first; archived ones only where they are asked for."""
    scope = scope_of(request, Right.SEE)
    rows = scope.filter(Appeal.objects.select_related("publication"))
    if request.GET.get("state") != State.ARCHIVED:
        rows = rows.filter(archived_at=None)
    issues = Count("blocks__issue", filter=Q(blocks__hidden=False), distinct=True)
    editable = scope_of(request, Right.EDIT).publications()
    add = reverse("appeal-add") if editable.exists() else ""
    return render_list(
        request,
        "Appeals and sponsors",
        rows.annotate(issues=issues).order_by("-starts_at", "-pk"),
        (
            Column("Name", str, "heading"),
            Column("Kind", lambda row: row.get_kind_display(), "kind"),
            Column("State", lambda row: row.state_at(clock.now()).label),
            Column("Issues", lambda row: row.issues),
            Column("Publication", lambda row: row.publication.name, "publication__name"),
            Column("From", lambda row: _moment(row, row.starts_at), "starts_at"),
            Column("Until", lambda row: _moment(row, row.ends_at), "ends_at"),
        ),
        url=lambda row: reverse("appeal", args=[row.pk]),
        empty="No appeals yet. An appeal is a message of your own in an issue.",
        filters=_filters(request),
        context={"add_url": add, "add_label": "New appeal"},
    )


def _filters(request: HttpRequest) -> tuple[Filter, ...]:
    scope = scope_of(request, Right.SEE)
    newsletters = scope.newsletters().order_by("name").values_list("pk", "name")
    publications = scope.publications().order_by("name").values_list("pk", "name")
    return (
        Filter("state", "State", State.choices, lambda rows, v: rows.filter(_in_state(v))),
        Filter("kind", "Kind", Appeal.Kind.choices, lambda rows, v: rows.filter(kind=v)),
        Filter("newsletter", "Newsletter", _choices(newsletters), _may_run_in),
        Filter(
            "publication",
            "Publication",
            _choices(publications),
            lambda rows, value: rows.filter(publication=value),
        ),
    )


def _choices(pairs: Rows) -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in pairs]


def _in_state(state: str) -> Q:
    return Appeal.in_state(state, clock.now())


def _may_run_in(rows: Rows, newsletter: str) -> Rows:
    """Return those that name a newsletter, or none while it is of their publication."""
    of_all = Q(newsletters=None, publication__newsletters=newsletter)
    return rows.filter(
        pk__in=Appeal.objects.filter(Q(newsletters=newsletter) | of_all).values("pk")
    )


def _moment(appeal: Appeal, moment: datetime | None) -> str:
    if moment is None:
        return "No end"
    return clock.format_moment(moment, clock.zone(appeal.publication.timezone))
