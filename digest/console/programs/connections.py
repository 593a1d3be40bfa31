"""Connections: systems that articles come from, what they reported, and files to install there."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache

from digest.connectors import bundles, catching_up, receiving, registry
from digest.connectors.models import Connection
from digest.console.access import record_action, scope_of, user_of
from digest.console.fields import KeyField, NameField, PlaceField
from digest.console.pages import action_view, attachment, page_view, problems_on
from digest.console.programs.adding import AddForm, AddPage, remove_row
from digest.core import clock
from digest.core.text import counted
from digest.newsletters.members import Right

RECENT_EVENTS = 5  # listed with each connection


class ConnectionForm(AddForm):
    """A new connection. Site and key are checked by `connectors.registry`."""

    name = NameField(example="our-site")
    kind = forms.ChoiceField(label="System", choices=Connection.Kind.choices)
    publication = forms.ChoiceField(
        label="Publication",
        help_text="All of its newsletters can use the articles; change that on their pages.",
    )
    site_url = PlaceField(
        label="Address of the Ghost site",
        required=False,
        help_text="With the key below, recent posts come in at once, and posts whose call was lost "
        "within an hour.",
        example="https://news.example",
    )
    key = KeyField(label="Content API key", required=False, max_length=200)


@action_view(Right.MANAGE)
def fetch(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask Ghost for the posts that changed."""
    connection = _get(request, pk)
    with problems_on(request, title=connection.name):
        stored = catching_up.catch_up(connection, clock.now())
        record_action(request, "fetched posts", connection, connection.publication_id)
        messages.success(request, f"{counted(stored, 'changed post')} on the way in.")
    return redirect("connections")


@action_view(Right.MANAGE)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a connection; its articles stay."""
    return remove_row(request, _get(request, pk), "connection", "connections")


@page_view(Right.MANAGE)
def download(_request: HttpRequest, kind: str) -> HttpResponseBase:
    """Return a file to install in the publisher's system."""
    if kind == "wordpress":
        return attachment(bundles.wordpress_plugin(), "application/zip", f"{bundles.PLUGIN}.zip")
    if kind == "wagtail":
        return attachment(bundles.wagtail_module(), "text/x-python", "digest_wagtail.py")
    raise Http404


def _connections(request: HttpRequest) -> QuerySet[Connection]:
    rows = Connection.objects.select_related("publication")
    return scope_of(request, Right.MANAGE).filter(rows, "publication_id")


def _get(request: HttpRequest, pk: int) -> Connection:
    return get_object_or_404(_connections(request), pk=pk)


def _list(request: HttpRequest) -> dict[str, Any]:
    rows = _connections(request).order_by("name")
    return {"connections": [_row(connection) for connection in rows]}


def _row(connection: Connection) -> dict[str, Any]:
    newest = connection.events.order_by("-pk")[:RECENT_EVENTS]
    received_at = connection.received_at
    return {
        "connection": connection,
        "address": receiving.address_of(connection),
        "received": clock.format_moment(received_at) if received_at else "",
        "events": [(event, clock.format_moment(event.received_at)) for event in newest],
        **asdict(registry.status_of(connection)),
    }


def _create(request: HttpRequest, values: dict[str, Any]) -> dict[str, Any]:
    publication = values["publication"]
    connection, secret = registry.add(
        values["name"],
        values["kind"],
        publication,
        user_of(request),
        clock.now(),
        newsletters=publication.newsletters.all(),
        site_url=values["site_url"],
        key=values["key"],
    )
    record_action(request, "added a connection", connection, publication.pk)
    address = receiving.address_of(connection)
    return {"connection": connection, "secret": secret, "address": address}


_PAGE = AddPage("console/connections.html", "Connections", ConnectionForm, _list, _create)
connections = page_view(Right.MANAGE)(_PAGE.show)
add = never_cache(action_view(Right.MANAGE)(_PAGE.add))
