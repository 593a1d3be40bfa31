"""Connections: add, find, remove; and which newsletters use what they report."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Max, Q

from digest.accounts.models import User
from digest.articles import pushing
from digest.connectors import ghost_api
from digest.connectors.errors import ConnectorError, InvalidConnectionError
from digest.connectors.models import Connection, ReceivedEvent
from digest.core import http, sealing
from digest.core.database.uniqueness import refuse_duplicate
from digest.newsletters import contributions
from digest.newsletters.models import Newsletter, Publication

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def add(
    name: str,
    kind: str,
    publication: Publication,
    owner: User,
    now: datetime,
    *,
    newsletters: Collection[Newsletter] = (),
    site_url: str = "",
    key: str = "",
) -> tuple[Connection, str]:
    """Add a connection; return it, and the secret that its calls are signed with.

    These newsletters of the publication use what it reports from now on.

    With the address of a Ghost site and the key of its Content API, the posts of the last weeks
    come in too, and whatever a lost call did not report. Raises ConnectorError, for a key that
    Ghost refuses too.
    """
    _require_valid(name, kind)
    site_url = _checked_site(kind, site_url, key)
    secret = sealing.new_webhook_secret()
    connection = Connection(
        name=name,
        kind=kind,
        publication=publication,
        owner=owner,
        sealed_secret=sealing.seal(secret),
        created_at=now,
        site_url=site_url,
        sealed_key=sealing.seal(key) if key else "",
        catch_up_at=now if key else None,
    )
    with transaction.atomic():
        with refuse_duplicate(ConnectorError(f"A connection {name!r} exists already.")):
            connection.save()
        _include(connection, newsletters)
    return connection, secret


def find(name: str) -> Connection:
    """Return a connection; raise ConnectorError if there is none."""
    if connection := Connection.objects.filter(name=name).select_related("publication").first():
        return connection
    raise ConnectorError(f"There is no connection {name!r}. `digest connector list` shows them.")


@dataclass(frozen=True, slots=True)
class Status:
    """How a connection is doing, by its events of the last 30 days."""

    waiting: int
    settled: int
    failed: int
    last_at: datetime | None


def status_of(connection: Connection) -> Status:
    """Return how a connection is doing."""
    is_failed = Q(outcome=ReceivedEvent.Outcome.FAILED)
    counts = connection.events.aggregate(
        waiting=Count("id", filter=Q(settled_at=None)),
        settled=Count("id", filter=Q(settled_at__isnull=False) & ~is_failed),
        failed=Count("id", filter=is_failed),
        last_at=Max("received_at"),
    )
    return Status(**counts)


def _require_valid(name: str, kind: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > 64:
        raise InvalidConnectionError(f"{name!r} is not a valid name; use a-z, 0-9 and hyphens.")
    if kind not in Connection.Kind.values:
        kinds = ", ".join(Connection.Kind.values)
        raise InvalidConnectionError(f"{kind!r} is not a kind: {kinds}.")


def _include(connection: Connection, newsletters: Collection[Newsletter]) -> None:
    """Let newsletters use what a new connection reports."""
    publication = connection.publication
    source = pushing.source_of(publication.pk, publication.slug, connection.created_at)
    for newsletter in newsletters:
        with contributions.noted(connection.owner, newsletter):
            newsletter.sources.add(source)


def _checked_site(kind: str, site_url: str, key: str) -> str:
    """Return the address of a Ghost site that answers to its key; "" for none."""
    site_url = site_url.strip().rstrip("/")
    if bool(site_url) is not bool(key):
        raise InvalidConnectionError("Give the site's address and its Content API key, or neither.")
    if not key:
        return ""
    if kind != Connection.Kind.GHOST:
        raise InvalidConnectionError("Only Ghost has a Content API.")
    try:
        http.checked_url(site_url)
    except http.RefusedError as cause:
        raise InvalidConnectionError(str(cause)) from cause
    ghost_api.list_posts(site_url, key, limit=1)
    return site_url
