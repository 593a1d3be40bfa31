"""The tags and attribute values in the rows of a list. No database but for what is stored.

A column is about tags, or about an attribute of the publication: its meaning is then "attribute."
with the attribute's key. A cell that is not of the attribute's type is left out and counted; an
empty one changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection
from psycopg.types.json import Jsonb

from digest.core.text import one_line
from digest.newsletters.audiences.models import Attribute
from digest.subscribers import attributes
from digest.subscribers.errors import ImportFileError, InvalidInputError
from digest.subscribers.exporting import unescape_formula
from digest.subscribers.importing.cells import read_tags
from digest.subscribers.importing.headings import Meaning
from digest.subscribers.importing.layout import Layout
from digest.subscribers.importing.states import plain
from digest.subscribers.profiles import MOST_TAGS
from digest.subscribers.segments.rules import ATTRIBUTE


class ProfileCells(NamedTuple):
    """What a row says of tags and attributes; `problems` are cells that cannot be read."""

    tags: tuple[str, ...] = ()
    values: Mapping[str, attributes.Value] | None = None
    problems: tuple[str, ...] = ()  # headings of their columns


@dataclass(frozen=True, slots=True)
class ProfileColumns:
    """The columns about tags and attributes, looked up once for a file."""

    tags: tuple[int, ...] = ()
    attributes: tuple[tuple[int, str, Attribute], ...] = ()  # index, heading, attribute

    @classmethod
    def of(cls, layout: Layout, definitions: Mapping[str, Attribute]) -> "ProfileColumns":
        """Return the columns of a layout; raise ImportFileError for an unknown attribute."""
        columns = list(enumerate(zip(layout.headings, layout.meanings, strict=True)))
        return cls(
            tuple(index for index, (_, meaning) in columns if meaning == Meaning.TAGS),
            tuple(
                (index, heading, _attribute(meaning, definitions))
                for index, (heading, meaning) in columns
                if meaning.startswith(ATTRIBUTE)
            ),
        )

    def read(self, cells: Sequence[str]) -> ProfileCells | None:
        """Return what the cells of a row say; None if nothing."""
        tags: list[str] = []
        for index in self.tags:
            tags += read_tags(_cell(cells, index))
        values: dict[str, attributes.Value] = {}
        problems = []
        for index, heading, attribute in self.attributes:
            try:
                value = attributes.read_value(attribute, _cell(cells, index))
            except InvalidInputError:
                problems.append(heading)
            else:
                if value is not None:
                    values[attribute.key] = value
        if not (tags or values or problems):
            return None
        return ProfileCells(tuple(dict.fromkeys(tags)), values, tuple(problems))


def match_attributes(layout: Layout, definitions: Mapping[str, Attribute]) -> Layout:
    """Return a layout in which columns called like an attribute are about it.

    Only those that are about nothing else, each attribute once: by "attribute.city", as an export
    of ours has it, by its key, or by its label.
    """
    names = {}
    for key, attribute in definitions.items():
        for name in (attribute.label, key, f"{ATTRIBUTE}{key}"):
            names[plain(name)] = f"{ATTRIBUTE}{key}"
    meanings = list(layout.meanings)
    for index, heading in enumerate(layout.headings):
        meaning = names.get(plain(heading), "")
        if meaning and meanings[index] == Meaning.OTHER and meaning not in meanings:
            meanings[index] = meaning
    return layout.with_meanings(meanings, layout.everyone)


def store_profiles(rows: Iterable[tuple[int, ProfileCells]], publication_id: int) -> None:
    """Store what lines say of those who are subscribers now; `import_decided` says who that is."""
    values = [
        (line, list(cells.tags), Jsonb(cells.values or {}))
        for line, cells in rows
        if cells.tags or cells.values
    ]
    if not values:
        return
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS import_profiles (" + _COLUMNS + ")")
        cursor.execute("TRUNCATE import_profiles")
        with cursor.copy("COPY import_profiles FROM STDIN") as copy:
            copy.set_types(["int8", "text[]", "jsonb"])
            for row in values:
                copy.write_row(row)
        cursor.execute(_STORE, {"publication": publication_id, "most": MOST_TAGS})


_COLUMNS = "line bigint, tags text[], attributes jsonb"
_STORE = """
INSERT INTO subscribers_profile AS profile (subscriber_id, publication_id, tags, attributes)
SELECT subscriber.id, %(publication)s, row.tags[:%(most)s], row.attributes
  FROM import_profiles AS row
  JOIN import_decided AS decided ON decided.line = row.line
   AND decided.verdict IN ('add', 'unchanged')
  JOIN subscribers_subscriber AS subscriber ON subscriber.address_key = decided.key
 ORDER BY subscriber.id
    ON CONFLICT (subscriber_id, publication_id) DO UPDATE
   SET attributes = profile.attributes || excluded.attributes,
       tags = (profile.tags || ARRAY(
           SELECT tag FROM unnest(excluded.tags) AS tag WHERE tag <> ALL(profile.tags)
       ))[:%(most)s]
"""


def _attribute(meaning: str, definitions: Mapping[str, Attribute]) -> Attribute:
    key = meaning.removeprefix(ATTRIBUTE)
    if key not in definitions:
        raise ImportFileError(
            f"There is no attribute “{one_line(key, 60)}”. Define it first: Segments > Attributes."
        )
    return definitions[key]


def _cell(cells: Sequence[str], index: int) -> Any:
    return unescape_formula(cells[index].strip()) if index < len(cells) else ""
