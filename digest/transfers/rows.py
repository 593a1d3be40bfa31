"""People as programs give them (an API, JSON), written as a list that `subscriber_lists` reads."""

import csv
import json
from collections.abc import Iterable, Mapping
from typing import IO, Any, NamedTuple

# The words for states that `subscribers.importing.states` knows; any other lets nobody in.
SUBSCRIBED, UNSUBSCRIBED, UNCONFIRMED = "subscribed", "unsubscribed", "unconfirmed"
BOUNCED, COMPLAINED, BLOCKED = "bounced", "complained", "blocked"

PREFIX = "digest-subscribers-"  # then the service, then ".csv"
HEADINGS = (
    *("email", "name", "status", "signed up at", "signed up ip", "confirmed at", "confirmed ip"),
    *("tags", "timezone", "metadata"),
)
# How `layout.read_layout` is to read it.
MAPPING = (
    *(("email", "email"), ("name", "name"), ("state", "status")),
    *(("ignored", heading) for heading in HEADINGS[3:]),
)


class Person(NamedTuple):
    """Somebody with an address and a state, as the service has them."""

    email: str
    name: str = ""
    state: str = ""
    requested_at: object = ""
    requested_ip: object = ""
    confirmed_at: object = ""
    confirmed_ip: object = ""
    tags: Iterable[Any] = ()  # names, or objects with a name
    timezone: str = ""
    values: Mapping[str, Any] = {}


def write_persons(persons: Iterable[Person], stream: IO[str]) -> None:
    """Write a list with its headings."""
    writer: Any = csv.writer(stream)
    writer.writerow(HEADINGS)
    for person in persons:
        cells = [_line(cell) for cell in person[:7]]
        tags, values = json.dumps(list(person.tags)), json.dumps(dict(person.values))
        writer.writerow([*cells, tags, person.timezone, values])


def file_name(service: str) -> str:
    """Return the name of the list of a service's people."""
    return f"{PREFIX}{service}.csv"


def service_in(name: str) -> str:
    """Return the service whose people a list of this name has; "" for any other name."""
    stem = name.rsplit("/", 1)[-1]
    is_ours = stem.startswith(PREFIX) and stem.endswith(".csv")
    return stem[len(PREFIX) : -len(".csv")] if is_ours else ""


def _line(cell: object) -> str:
    return " ".join(str(cell or "").split())
