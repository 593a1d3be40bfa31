"""Export subscribers as CSV, in a stream, with no cell that a spreadsheet would run as a formula."""

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from django.db.models import QuerySet

from digest.newsletters.models import Newsletter
from digest.subscribers.models import Subscription

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
# What begins a formula in some spreadsheet, full-width forms included, and what hides one.
_DANGEROUS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


class TextSink(Protocol):
    """What text can be written to."""

    def write(self, text: str, /) -> object: ...


def export_csv(newsletter: Newsletter | None, stream: TextSink) -> int:
    """Write the subscribers of a newsletter (or of all) to a text stream; return how many rows.

    One row for each subscription, in order of the subscriptions' making, times in ISO 8601 and
    UTC. Read through a server-side cursor: memory stays flat.
    """
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    count = 0
    for row in _rows(_asked(newsletter)):
        writer.writerow(row)
        count += 1
    return count


def harmless(cell: str) -> str:
    """Return the cell so that a spreadsheet shows it and never computes it."""
    return f"'{cell}" if cell.lstrip(" ")[:1] in _DANGEROUS and cell.strip(" ") else cell


def restored(cell: str) -> str:
    """Return what `harmless` was given, so that an export can be imported."""
    return cell[1:] if cell.startswith("'") and harmless(cell[1:]) == cell else cell


def _asked(newsletter: Newsletter | None) -> QuerySet[Subscription]:
    asked = Subscription.objects.select_related("subscriber", "newsletter").order_by("id")
    return asked.filter(newsletter=newsletter) if newsletter else asked


def _rows(asked: QuerySet[Subscription]) -> Iterator[list[str]]:
    for one in asked.iterator(chunk_size=2000):
        yield [
            harmless(one.subscriber.email),
            harmless(one.subscriber.name),
            one.newsletter.slug,
            one.state,
            *map(_moment, (one.created_at, one.confirmed_at, one.unsubscribed_at)),
            _moment(one.paused_until),
        ]


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""
