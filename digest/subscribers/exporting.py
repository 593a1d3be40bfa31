"""Export subscribers as CSV, streamed, with their tags and the values of their attributes.

No cell is one that a spreadsheet would run as a formula.
"""

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Protocol, Self

from django.db.models import QuerySet

from digest.newsletters.audiences.models import Attribute
from digest.newsletters.models import Newsletter
from digest.subscribers.models import Profile, Subscription
from digest.subscribers.segments.rules import ATTRIBUTE

BATCH = 2_000  # rows
TAGS = "tags"  # the column after these

COLUMNS = (
    "email",
    "name",
    "newsletter",
    "state",
    "subscribed_at",
    "confirmed_at",
    "unsubscribed_at",
    "paused_until",
)
# Characters that start a formula in some spreadsheet, in full width too, or that hide subscription.
_FORMULA_START = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


@dataclass(frozen=True, slots=True)
class ProfileColumns:
    """The columns about what publications know; None stands for every publication."""

    publication_ids: frozenset[int] | None
    keys: tuple[str, ...]  # of attributes

    @classmethod
    def of(cls, publication_ids: Collection[int] | None) -> Self:
        """Return the columns: the tags, and the attributes in the order of their keys."""
        rows = Attribute.objects.order_by("key")
        if publication_ids is None:
            return cls(None, tuple(rows.values_list("key", flat=True).distinct()))
        rows = rows.filter(publication__in=publication_ids)
        keys = rows.values_list("key", flat=True).distinct()
        return cls(frozenset(publication_ids), tuple(keys))

    @property
    def heading(self) -> list[str]:
        """The first line of the file."""
        profile = [TAGS, *(f"{ATTRIBUTE}{key}" for key in self.keys)]
        return [*COLUMNS, *([] if self.publication_ids == frozenset() else profile)]

    def profiles(self, batch: Sequence[Subscription]) -> dict[tuple[int, int], Profile]:
        """Return what is known of the subscribers of a batch, by subscriber and publication."""
        publication_ids = {row.newsletter.publication_id for row in batch}
        if self.publication_ids is not None:
            publication_ids &= self.publication_ids
        rows = Profile.objects.filter(
            subscriber__in={row.subscriber_id for row in batch}, publication__in=publication_ids
        )
        return {(row.subscriber_id, row.publication_id): row for row in rows}

    def cells(self, profile: Profile | None) -> list[str]:
        """Return the cells of a subscriber."""
        if self.publication_ids == frozenset():
            return []
        if profile is None:
            return [""] * (1 + len(self.keys))
        values = (profile.attributes.get(key) for key in self.keys)
        return [escape_formula(", ".join(profile.tags)), *map(_value, values)]


class TextSink(Protocol):
    """Anything that text can be written to."""

    def write(self, text: str, /) -> object: ...


def export_csv(newsletter: Newsletter | None, stream: TextSink) -> int:
    """Write the subscriptions to a newsletter (or to all) to a text stream; return the row count.

    One row per subscription, the oldest first, times in ISO 8601 and UTC. A server-side cursor
    keeps memory flat.
    """
    writer, count = csv.writer(stream), 0
    columns = ProfileColumns.of(None if newsletter is None else [newsletter.publication_id])
    writer.writerow(columns.heading)
    for row in _rows(_subscriptions(newsletter), columns):
        writer.writerow(row)
        count += 1
    return count


def csv_lines(
    subscriptions: QuerySet[Subscription],
    publication_ids: Collection[int] | None,
    *,
    heading: bool = True,
) -> Iterator[str]:
    """Yield the lines of such a file of some subscriptions, as they are read; the oldest first.

    With the tags and values that these publications know, or all of them for None.
    """
    columns = ProfileColumns.of(publication_ids)
    writer = csv.writer(line := _Line())
    rows = subscriptions.select_related("subscriber", "newsletter").order_by("id")
    for row in chain([columns.heading] if heading else [], _rows(rows, columns)):
        writer.writerow(row)
        yield line.text


class _Line:
    """The line that was written last."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def escape_formula(cell: str) -> str:
    """Return a cell that a spreadsheet shows as text and does not compute."""
    return f"'{cell}" if cell.lstrip(" ")[:1] in _FORMULA_START and cell.strip(" ") else cell


def unescape_formula(cell: str) -> str:
    """Return the cell before `escape_formula`, so that an export can be imported."""
    return cell[1:] if cell.startswith("'") and escape_formula(cell[1:]) == cell else cell


def _subscriptions(newsletter: Newsletter | None) -> QuerySet[Subscription]:
    rows = Subscription.objects.select_related("subscriber", "newsletter").order_by("id")
    return rows.filter(newsletter=newsletter) if newsletter else rows


def _rows(subscriptions: QuerySet[Subscription], columns: ProfileColumns) -> Iterator[list[str]]:
    rows = subscriptions.iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        profiles = columns.profiles(batch)
        for row in batch:
            profile = profiles.get((row.subscriber_id, row.newsletter.publication_id))
            yield [*_subscription_cells(row), *columns.cells(profile)]


def _subscription_cells(row: Subscription) -> list[str]:
    moments = (row.created_at, row.confirmed_at, row.unsubscribed_at, row.paused_until)
    return [
        escape_formula(row.subscriber.email),
        escape_formula(getattr(row, "visible_name", row.subscriber.name)),
        row.newsletter.slug,
        row.state,
        *map(_moment, moments),
    ]


def _value(value: object) -> str:
    """Return a value as an import reads it; a number is no formula, whatever its sign."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape_formula(value) if isinstance(value, str) else str(value)


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""
