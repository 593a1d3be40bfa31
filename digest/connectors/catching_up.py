"""Ask Ghost for posts that no call reported: it calls once, and does not call again.

Each hour, what changed since the last question is stored as events of the connection, under ids of
post and change: what a webhook had reported changes nothing.
"""

from datetime import datetime, timedelta

import structlog

from digest.articles.parsing.base import Entry
from digest.connectors import ghost_api, receiving
from digest.connectors.actions import Action
from digest.connectors.errors import ConnectorError
from digest.connectors.models import Connection
from digest.connectors.reading import Change
from digest.core import sealing
from digest.core.errors import DigestError

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)
FIRST = 15  # posts that a new connection brings
MOST = 50  # posts of one page; the next question continues
MOST_PAGES = 20  # of posts that changed in the same moment


def catch_up_due(now: datetime) -> int:
    """Ask for what is due; return how many events were stored."""
    stored = 0
    rows = Connection.objects.filter(catch_up_at__lte=now).order_by("catch_up_at")
    for connection in rows:
        later = Connection.objects.filter(pk=connection.pk, catch_up_at=connection.catch_up_at)
        if later.update(catch_up_at=now + EVERY):  # else another worker asks
            stored += _try(connection, now)
    return stored


def catch_up(connection: Connection, now: datetime) -> int:
    """Store what changed since the last question; return how many events that made.

    Raises ConnectorError if Ghost does not answer.
    """
    if not connection.sealed_key:
        raise ConnectorError(f"{connection} has no Content API key.")
    since, stored = connection.caught_up_to, 0
    for page in range(1, MOST_PAGES + 1):
        entries = _list_posts(connection, since, page)
        stored += sum(_store(connection, entry, now) for entry in entries)
        latest = max((entry.updated_at for entry in entries if entry.updated_at), default=since)
        # Ghost changes many posts in one moment, when a tag is given to them: a question that
        # began there again would bring the same ones for ever.
        if since is None or latest != since or len(entries) < MOST:
            break
    Connection.objects.filter(pk=connection.pk).update(caught_up_to=latest, problem="")
    return stored


def _list_posts(connection: Connection, since: datetime | None, page: int) -> list[Entry]:
    return ghost_api.list_posts(
        connection.site_url,
        sealing.unseal(connection.sealed_key),
        limit=MOST if since else FIRST,
        since=since,
        page=page,
    )


def _store(connection: Connection, entry: Entry, now: datetime) -> bool:
    change = Change(Action.CORRECT, entry, changed_at=entry.updated_at)
    return receiving.store(connection, f"post {entry.guid} {entry.updated_at}", change, now)


def _try(connection: Connection, now: datetime) -> int:
    try:
        return catch_up(connection, now)
    except DigestError as problem:
        Connection.objects.filter(pk=connection.pk).update(problem=str(problem))
        log.warning("connection not caught up", connection=connection.name, problem=str(problem))
        return 0
