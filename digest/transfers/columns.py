"""Which columns of a list hold consent, tags, topics and values, by their headings. Pure.

A column whose cells are titles of the newsletter's topics holds topics (Mailchimp's groups are such
columns); one that is called like an attribute of the publication holds its values.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from digest.core.text import one_line
from digest.newsletters.audiences.models import Attribute
from digest.subscribers.importing.cells import split_cell
from digest.subscribers.importing.headings import Meaning
from digest.subscribers.importing.layout import Layout
from digest.subscribers.importing.states import plain
from digest.transfers.reading import read_document


class Role(StrEnum):
    """What a column says, besides who somebody is and whether they may be mailed."""

    REQUESTED = "requested"
    REQUESTED_IP = "requested ip"
    CONFIRMED = "confirmed"
    CONFIRMED_IP = "confirmed ip"
    TAGS = "tags"
    TIMEZONE = "timezone"
    LIST = "list"
    DOCUMENT = "document"  # values by name, in JSON
    TOPICS = "topics"


_HEADINGS = {
    Role.REQUESTED: "optin time; created at; creation date; created; signed up at; subscribed at;"
    "subscribed on; subscription date; subscribed date; date added; created at utc; signup date",
    Role.REQUESTED_IP: "optin ip; ip address; signed up ip; subscription ip; subscribed ip; ip",
    Role.CONFIRMED: "confirm time; confirmed at; confirmation date; confirmed on",
    Role.CONFIRMED_IP: "confirm ip; confirmed ip; confirmation ip",
    Role.TAGS: "tags; labels; tag; label",
    Role.TIMEZONE: "timezone; time zone",
    Role.LIST: "list; lists; list name",
    Role.DOCUMENT: "attributes; metadata",
}
_ROLES: Mapping[str, Role] = {
    heading.strip(): role for role, headings in _HEADINGS.items() for heading in headings.split(";")
}
# Of no use elsewhere: keys, counts and what the service itself made of a person.
_TECHNICAL = frozenset(
    "id; uuid; leid; euid; member rating; latitude; longitude; gmtoff; dstoff; cc; region;"
    "last changed; updated at; stripe customer id; gift id; complimentary plan; expiry;"
    "active subscription; first payment at; utm source; utm medium; utm campaign; referrer url;"
    "last click date; last open date; avatar url; subscriber id; source".replace("; ", ";").split(
        ";"
    )
)
_LONGEST_NAME = 60  # of a value, in a report


@dataclass(frozen=True, slots=True)
class DetailColumns:
    """Where a row's cells are, and what they mean."""

    roles: Mapping[Role, int]
    topic_columns: tuple[int, ...] = ()
    attributes: Mapping[int, Attribute] = field(default_factory=dict)  # by column
    by_name: Mapping[str, Attribute] = field(default_factory=dict)  # of values in a document
    unread: tuple[str, ...] = ()  # columns, and values in documents, that stay behind


def find_columns(
    layout: Layout,
    sample: Sequence[Sequence[str]],
    topics: Iterable[str],
    attributes: Mapping[str, Attribute],
) -> DetailColumns:
    """Return what the columns of a list say; `sample` are its first rows, `attributes` by key."""
    titles = {plain(topic) for topic in topics}
    names = _names(attributes)
    roles: dict[Role, int] = {}
    topic_columns: list[int] = []
    values: dict[int, Attribute] = {}
    unread: list[str] = []
    for index, (heading, meaning) in enumerate(zip(layout.headings, layout.meanings, strict=True)):
        name = plain(heading)
        if (role := _ROLES.get(name)) and role not in roles:
            roles[role] = index
        elif meaning not in {Meaning.OTHER, Meaning.IGNORED}:
            continue
        elif name in names:
            values[index] = names[name]
        elif _are_topics(sample, index, titles):
            topic_columns.append(index)
        elif name not in _TECHNICAL and any(_cell(row, index) for row in sample):
            unread.append(heading)
    unread += _unread_values(sample, roles.get(Role.DOCUMENT), names)
    return DetailColumns(roles, tuple(topic_columns), values, names, tuple(unread))


def _names(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    by_label = {plain(attribute.label): attribute for attribute in attributes.values()}
    return by_label | {plain(key): attribute for key, attribute in attributes.items()}


def _unread_values(
    sample: Sequence[Sequence[str]], column: int | None, names: Mapping[str, Attribute]
) -> list[str]:
    """Return the names of values in documents that no attribute is called after, each once."""
    documents = [] if column is None else [read_document(_cell(row, column)) for row in sample]
    unread = dict.fromkeys(one_line(name, _LONGEST_NAME) for row in documents for name in row)
    return [name for name in unread if name and plain(name) not in names]


def _are_topics(sample: Sequence[Sequence[str]], index: int, titles: set[str]) -> bool:
    """Say whether each cell that is not empty names at least one topic."""
    cells = [cell for row in sample if (cell := _cell(row, index))]
    return bool(cells) and all(
        any(plain(part) in titles for part in split_cell(cell)) for cell in cells
    )


def _cell(row: Sequence[str], index: int) -> str:
    return row[index].strip() if index < len(row) else ""
