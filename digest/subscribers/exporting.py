"""Export subscribers as CSV, streamed, with their tags and the values of their attributes.

No cell is one that a spreadsheet would run as a formula.
"""

import csv
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Protocol

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


class TextSink(Protocol):
    """Anything that text can be written to."""

    def write(self, text: str, /) -> object: ...


def export_csv(newsletter: Newsletter | None, stream: TextSink) -> int:
    """Write the subscriptions to a newsletter (or to all) to a text stream; return the row count.

    One row per subscription, the oldest first, times in ISO 8601 and UTC. A server-side cursor
    keeps memory flat.
    """
    writer, count = csv.writer(stream), 0
    keys = attribute_keys(None if newsletter is None else [newsletter.publication_id])
    writer.writerow(_heading(keys))
    for row in _rows(_subscriptions(newsletter), keys):
        writer.writerow(row)
        count += 1
    return count


def csv_lines(
    subscriptions: QuerySet[Subscription], keys: Sequence[str], *, heading: bool = True
) -> Iterator[str]:
    """Yield the lines of such a file of some subscriptions, as they are read; the oldest first.

    `keys` are those of the attributes that have a column, after the tags.
    """
    writer = csv.writer(line := _Line())
    rows = subscriptions.select_related("subscriber", "newsletter").order_by("id")
    for row in chain([_heading(keys)] if heading else [], _rows(rows, keys)):
        writer.writerow(row)
        yield line.text


def attribute_keys(publication_ids: Collection[int] | None) -> list[str]:
    """Return the keys of the attributes of publications, of all for None, in their order."""
    rows = Attribute.objects.order_by("key")
    if publication_ids is not None:
        rows = rows.filter(publication__in=publication_ids)
    return list(rows.values_list("key", flat=True).distinct())


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


def _heading(keys: Sequence[str]) -> list[str]:
    return [*COLUMNS, TAGS, *(f"{ATTRIBUTE}{key}" for key in keys)]


def _rows(subscriptions: QuerySet[Subscription], keys: Sequence[str]) -> Iterator[list[str]]:
    rows = subscriptions.iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        profiles = _profiles(batch)
        for row in batch:
            profile = profiles.get((row.subscriber_id, row.newsletter.publication_id))
            yield [*_subscription_cells(row), *_profile_cells(profile, keys)]


def _subscription_cells(row: Subscription) -> list[str]:
    moments = (row.created_at, row.confirmed_at, row.unsubscribed_at, row.paused_until)
    return [
        escape_formula(row.subscriber.email),
        escape_formula(getattr(row, "visible_name", row.subscriber.name)),
        row.newsletter.slug,
        row.state,
        *map(_moment, moments),
    ]


def _profiles(batch: Sequence[Subscription]) -> dict[tuple[int, int], Profile]:
    rows = Profile.objects.filter(
        subscriber__in={row.subscriber_id for row in batch},
        publication__in={row.newsletter.publication_id for row in batch},
    )
    return {(row.subscriber_id, row.publication_id): row for row in rows}


def _profile_cells(profile: Profile | None, keys: Sequence[str]) -> list[str]:
    if profile is None:
        return [""] * (1 + len(keys))
    values = (profile.attributes.get(key) for key in keys)
    return [escape_formula(", ".join(profile.tags)), *map(_value, values)]


def _value(value: object) -> str:
    """Return a value as an import reads it; a number is no formula, whatever its sign."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape_formula(value) if isinstance(value, str) else str(value)


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""
