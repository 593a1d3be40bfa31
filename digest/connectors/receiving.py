"""Take what a connection reports: check who calls, read it, store it. A job settles it.

    address > signature > reading > one row, due at once

Systems wait two seconds for an answer (Ghost), and most do not call again. So nothing is cleaned or
looked up here, and a call that came twice is stored once.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from digest.articles.isolation import wire
from digest.connectors import reading, signatures
from digest.connectors.errors import SignatureError, UnreadableError
from digest.connectors.models import Connection, ReceivedEvent
from digest.connectors.reading import Change
from digest.core import jobs, links, sealing
from digest.core.text import read_json

_CHECKS: dict[str, Callable[[str, Mapping[str, str], bytes, datetime], str]] = {
    Connection.Kind.GHOST: signatures.check_ghost,
    Connection.Kind.WEBHOOK: signatures.check_standard,
}
_READINGS: dict[str, Callable[[Mapping[str, Any]], Change | None]] = {
    Connection.Kind.GHOST: reading.read_ghost,
    Connection.Kind.WEBHOOK: reading.read_standard,
}


def address_of(connection: Connection) -> str:
    """Return the address that a connection's system calls."""
    return links.Page.CONNECTION.url(token=links.sign_rows("connection", connection))


def receive(token: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Store what a call reports; return whether it was new and about an article.

    Raises LinkError for an address that is not ours, SignatureError for a call that is not signed,
    UnreadableError for one that cannot be read.
    """
    link = links.read_rows("connection", token, count=1)
    connection = Connection.objects.filter(pk=link.ids[0]).first()
    if connection is None:
        raise SignatureError("This connection was removed.")
    link.require(connection)
    secret = sealing.unseal(connection.sealed_secret)
    message_id = _CHECKS[connection.kind](secret, headers, body, now)
    Connection.objects.filter(pk=connection.pk).update(received_at=now)
    change = _READINGS[connection.kind](_parse(body))
    return change is not None and store(connection, message_id, change, now)


def store(connection: Connection, message_id: str, change: Change, now: datetime) -> bool:
    """Store a change as an event that is due; return False if it was stored before."""
    _, is_new = ReceivedEvent.objects.get_or_create(
        connection=connection,
        message_id=message_id,
        defaults={
            "action": change.action,
            "entry": json.loads(wire.dump(change.entry)),
            "note": change.note,
            "received_at": now,
            "changed_at": change.changed_at and min(change.changed_at, now),
            "due_at": now,
        },
    )
    if is_new:
        jobs.enqueue(jobs.RECEIVE_ARTICLES)
    return is_new


def _parse(body: bytes) -> Mapping[str, Any]:
    data = read_json(body, UnreadableError("The body is not JSON."))
    if not isinstance(data, dict):
        raise UnreadableError("The body is not a JSON object.")
    return data
