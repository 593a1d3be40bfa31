"""Connections: systems that report their articles to an address of their own."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status
from pydantic import BaseModel, Field, StringConstraints

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of
from digest.api.lookup import PublicationQuery, get_newsletter, get_publication, of_publication
from digest.api.paging import Page, PageQuery, paginate
from digest.api.problems import ProblemError
from digest.api.routing import Operations
from digest.api.schemas import Id, Line, Payload, Slug, Url
from digest.connectors import catching_up, receiving, registry
from digest.connectors.models import Connection, ReceivedEvent
from digest.core import clock
from digest.newsletters.models import Newsletter, Publication

router = Operations(tags=["connections"])

Name = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", min_length=1, max_length=64)
]


class ConnectionIn(Payload):
    """A new connection."""

    publication: Slug
    name: Name
    kind: Connection.Kind
    newsletters: Annotated[
        list[Slug] | None,
        Field(max_length=100, description="Those that use its articles. Null: all of them."),
    ] = None
    site_url: Annotated[
        Url | None, Field(description="Of a Ghost site, to ask its Content API too.")
    ] = None
    key: Annotated[Line, Field(max_length=200, description="Of Ghost's Content API.")] = ""


class ConnectionOut(BaseModel):
    """A connection, and how it is doing by its events of the last 30 days."""

    id: int
    publication: str
    name: str
    kind: str
    address: str = Field(description="Where its calls go.")
    site_url: str
    created_at: datetime
    received_at: datetime | None = Field(description="The last call that was signed.")
    problem: str = Field(description="Why the last call or question failed.")
    waiting: int
    settled: int
    failed: int


class NewConnectionOut(ConnectionOut):
    """A new connection, with its secret."""

    secret: str = Field(description="Signs its calls. It is shown this once.")


class EventOut(BaseModel):
    """What a connection reported of one article."""

    id: int
    action: str
    title: str
    received_at: datetime
    changed_at: datetime | None = Field(description="In the system, where that is said.")
    settled_at: datetime | None
    outcome: str = Field(description="Blank: it waits.")
    problem: str


class FetchedOut(BaseModel):
    """What Ghost answered."""

    stored: int = Field(description="How many changed posts are on their way in.")


@router.read("/connections", Scope.SOURCES_READ, returns=Page[ConnectionOut])
def list_connections(request: HttpRequest, query: Query[PublicationQuery]) -> Any:
    """List the systems that report articles."""
    rows = of_publication(_rows(caller_of(request)), query.publication)
    return paginate(rows, query, "connections", _serialize)


@router.create("/connections", Scope.SOURCES_WRITE, Scope.ARTICLES_WRITE, returns=NewConnectionOut)
def create_connection(request: HttpRequest, payload: ConnectionIn) -> Any:
    """Add a connection, in whose calls the token's owner corrects and retracts articles.

    Its secret is in this response alone. It takes no Idempotency-Key, since responses to those are
    stored: a repeat is a 409, as the name is in use.
    """
    caller = caller_of(request)
    publication = get_publication(caller, payload.publication)
    connection, secret = registry.add(
        payload.name,
        payload.kind,
        publication,
        caller.token.owner,
        clock.now(),
        newsletters=_newsletters(caller, publication, payload.newsletters),
        site_url=payload.site_url or "",
        key=payload.key,
    )
    return Status(201, _serialize(connection) | {"secret": secret})


@router.read("/connections/{connection_id}", Scope.SOURCES_READ, returns=ConnectionOut)
def show_connection(request: HttpRequest, connection_id: Id) -> Any:
    """Show a connection."""
    return _serialize(_get(request, connection_id))


@router.read("/connections/{connection_id}/events", Scope.SOURCES_READ, returns=Page[EventOut])
def list_connection_events(request: HttpRequest, connection_id: Id, query: Query[PageQuery]) -> Any:
    """List what a connection reported lately, the newest first."""
    row = _get(request, connection_id)
    name = f"connection {row.pk}"
    return paginate(row.events.all(), query, name, _serialize_event, newest_first=True)


@router.run(
    "/connections/{connection_id}/fetch",
    Scope.SOURCES_WRITE,
    Scope.ARTICLES_WRITE,
    returns=FetchedOut,
)
def fetch_connection(request: HttpRequest, connection_id: Id) -> Any:
    """Ask Ghost now for posts that changed; 409 without a Content API key."""
    return {"stored": catching_up.catch_up(_get(request, connection_id), clock.now())}


@router.remove("/connections/{connection_id}", Scope.SOURCES_WRITE, Scope.ARTICLES_WRITE)
def delete_connection(request: HttpRequest, connection_id: Id) -> Any:
    """Delete a connection: its calls are refused. Its articles stay."""
    _get(request, connection_id).delete()
    return Status(204, None)


def _newsletters(
    caller: Caller, publication: Publication, slugs: list[str] | None
) -> list[Newsletter]:
    if slugs is None:
        return list(publication.newsletters.all())
    rows = [get_newsletter(caller, slug) for slug in dict.fromkeys(slugs)]
    if any(row.publication_id != publication.pk for row in rows):
        raise ProblemError(422, f"Choose newsletters of {publication.name} only.")
    return rows


def _rows(caller: Caller) -> QuerySet[Connection]:
    return caller.scope.filter(Connection.objects.select_related("publication"))


def _get(request: HttpRequest, connection_id: int) -> Connection:
    row: Connection = get_object_or_404(_rows(caller_of(request)), pk=connection_id)
    return row


_FIELDS = ("id", "name", "kind", "site_url", "created_at", "received_at", "problem")


def _serialize(row: Connection) -> dict[str, Any]:
    status = asdict(registry.status_of(row))
    return {name: getattr(row, name) for name in _FIELDS} | {
        "publication": row.publication.slug,
        "address": receiving.address_of(row),
        **{name: status[name] for name in ("waiting", "settled", "failed")},
    }


def _serialize_event(row: ReceivedEvent) -> dict[str, Any]:
    return {name: getattr(row, name) for name in EventOut.model_fields}
