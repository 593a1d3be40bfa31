"""The page that connects a publication to its site's analytics, and tries the connection."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from digest.analytics.models import SiteConnection
from digest.analytics.site import collecting, connections
from digest.analytics.site.base import MOST_PAGES
from digest.analytics.site.kinds import KINDS, LABELS
from digest.console.access import record_action
from digest.console.pages import action_view, done, page_view, problems_on, render_page, report
from digest.console.publications.views import get_publication
from digest.core import clock
from digest.core.text import counted
from digest.newsletters.members import Right
from digest.newsletters.models import Publication


class ConnectionForm(forms.Form):
    """What one kind of site analytics needs. `connections.connect` checks it."""

    def __init__(self, kind: str, row: SiteConnection | None, data: Any = None) -> None:
        self.kind = kind
        adapter = KINDS[kind]
        is_connected = row is not None and row.kind == kind
        initial = {name: getattr(row, name, "") for name in adapter.fields} if is_connected else {}
        super().__init__(data, initial={"address": adapter.address, **initial})
        for name, (label, hint) in adapter.fields.items():
            is_stored = name == "secret" and is_connected
            text = f"{hint} Leave empty to keep the stored one." if is_stored else hint
            self.fields[name] = _field(name, label, text)


def _field(name: str, label: str, hint: str) -> forms.CharField:
    """Return a field; a secret may be a file of several lines, and is never shown again."""
    is_secret = name == "secret"
    attributes = {"rows": 3, "autocomplete": "off", "spellcheck": "false"}
    widget = forms.Textarea(attrs=attributes) if is_secret else forms.TextInput()
    return forms.CharField(
        label=label, help_text=hint, required=False, widget=widget, max_length=10_000
    )


@page_view(Right.MANAGE)
def page(request: HttpRequest, publication: int) -> HttpResponse:
    """Show how a publication is connected, and the form of one kind (`?kind=`)."""
    row = get_publication(request, publication, Right.MANAGE)
    connection = _connection(row)
    kind = request.GET.get("kind", "")
    if kind not in KINDS:
        kind = connection.kind if connection else next(iter(KINDS))
    return _page(request, row, ConnectionForm(kind, connection))


@action_view(Right.MANAGE)
def save(request: HttpRequest, publication: int, kind: str) -> HttpResponse:
    """Connect, or change the connection."""
    row = get_publication(request, publication, Right.MANAGE)
    form = ConnectionForm(kind if kind in KINDS else "feed", _connection(row), request.POST)
    if form.is_valid():
        with problems_on(form):
            connections.connect(row, kind, form.cleaned_data, clock.now())
            record_action(request, f"connected site analytics: {LABELS[kind]}", row, row.pk)
            toast = f"{LABELS[kind]} is connected. Its numbers come within a minute."
            return done(request, toast, reverse("site-analytics", args=[row.pk]))
    return _page(request, row, form, status=422)


@action_view(Right.MANAGE)
def test(request: HttpRequest, publication: int) -> HttpResponse:
    """Fetch page views now, and say what was matched."""
    row = get_publication(request, publication, Right.MANAGE)
    if connection := _connection(row):
        record_action(request, "tested site analytics", row, row.pk)
        report(request, lambda: _collect(connection))
    return redirect("site-analytics", row.pk)


@action_view(Right.MANAGE)
def remove(request: HttpRequest, publication: int) -> HttpResponse:
    """Delete the connection with its secret."""
    row = get_publication(request, publication, Right.MANAGE)
    SiteConnection.objects.filter(publication=row).delete()
    record_action(request, "disconnected site analytics", row, row.pk)
    toast = "Disconnected. Page views count for seven days more."
    return done(request, toast, reverse("site-analytics", args=[row.pk]))


def _collect(connection: SiteConnection) -> str:
    outcome = collecting.collect(connection, clock.now())
    times = (
        f" Reading times are known of {counted(outcome.timed, 'page')}." if outcome.timed else ""
    )
    return f"{counted(outcome.pages, 'page')}, {outcome.matched:,} of them articles.{times}"


def _connection(publication: Publication) -> SiteConnection | None:
    rows = SiteConnection.objects.filter(publication=publication)
    return rows.select_related("publication").first()


def _page(
    request: HttpRequest, publication: Publication, form: ConnectionForm, *, status: int = 200
) -> HttpResponse:
    connection = _connection(publication)
    at = connection.collected_at if connection else None
    zone = clock.zone(publication.timezone)
    context = {
        "publication": publication,
        "most_pages": MOST_PAGES,
        "connection": connection,
        "label": LABELS[connection.kind] if connection else "",
        "collected_at": clock.format_moment(at, zone) if at else "",
        "due_at": clock.format_moment(connection.due_at, zone) if connection else "",
        "form": form,
        "kinds": LABELS.items(),
    }
    template = "console/publications/site_analytics.html"
    return render_page(request, template, "Site analytics", context, status=status)
