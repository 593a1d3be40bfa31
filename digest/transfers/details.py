"""What a row of a list says of a person, read by its columns. Pure."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters.audiences.models import Attribute
from digest.subscribers.attributes import read_value
from digest.subscribers.errors import InvalidInputError
from digest.subscribers.importing.cells import read_tags, split_cell
from digest.subscribers.importing.details import Details
from digest.subscribers.importing.rows import Row
from digest.subscribers.importing.states import plain
from digest.transfers.columns import DetailColumns, Role
from digest.transfers.reading import read_document, read_ip, read_time
from digest.transfers.services import service_of

_LONGEST_ZONE = 64


def read_details(
    row: Row, columns: DetailColumns, service: str, topics: tuple[str, ...], now: datetime
) -> Details:
    """Return what a row says: consent in its time and place, tags, topics, values.

    What cannot be read is left out: a value that is not of its attribute's type, a date in words.
    """
    cells = {role: _cell(row, index) for role, index in columns.roles.items()}
    requested = read_time(cells.get(Role.REQUESTED, ""), now)
    confirmed = read_time(cells.get(Role.CONFIRMED, ""), now)
    ip = read_ip(cells.get(Role.REQUESTED_IP, ""))
    confirmed_ip = read_ip(cells.get(Role.CONFIRMED_IP, ""))
    return Details(
        row.line,
        requested_at=requested or confirmed,
        ip=(ip or confirmed_ip) if requested or confirmed else None,
        wording=_wording(service_of(service).name, confirmed, confirmed_ip),
        tags=read_tags(cells.get(Role.TAGS, "")),
        topics=_topics(row, columns, topics),
        attributes=_attributes(row, columns, cells.get(Role.DOCUMENT, "")),
        timezone=_timezone(cells.get(Role.TIMEZONE, "")),
    )


def _wording(name: str, confirmed: datetime | None, ip: str | None) -> str:
    if confirmed is None:
        return f"Signed up at {name}." if name else ""
    place = f" from {ip}" if ip else ""
    return f"Signed up at {name}; confirmed on {clock.format_moment(confirmed)}{place}."


def _topics(row: Row, columns: DetailColumns, topics: tuple[str, ...]) -> tuple[str, ...]:
    chosen = {
        plain(part) for index in columns.topic_columns for part in split_cell(_cell(row, index))
    }
    return tuple(topic for topic in topics if plain(topic) in chosen)


def _attributes(row: Row, columns: DetailColumns, document: str) -> dict[str, Any]:
    values = {}
    for index, attribute in columns.attributes.items():
        with suppress(InvalidInputError):
            values[attribute.key] = read_value(attribute, _cell(row, index))
    for attribute, value in _named_values(columns.by_name, read_document(document)):
        with suppress(InvalidInputError):
            values[attribute.key] = read_value(attribute, value)
    return {key: value for key, value in values.items() if value is not None}


def _named_values(
    by_name: Mapping[str, Attribute], document: Mapping[str, Any]
) -> list[tuple[Attribute, Any]]:
    return [
        (by_name[plain(name)], value)
        for name, value in document.items()
        if plain(name) in by_name and isinstance(value, str | int | float | bool)
    ]


def _timezone(name: str) -> str:
    if not name or len(name) > _LONGEST_ZONE:
        return ""
    with suppress(DigestError):
        return clock.zone(name).key
    return ""


def _cell(row: Row, index: int) -> str:
    return row.cells[index].strip() if index < len(row.cells) else ""
