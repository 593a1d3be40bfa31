"""Export subscribers as CSV, streamed, without cells that a spreadsheet would run as a formula."""

import csv
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
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
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    count = 0
    for row in _rows(_subscriptions(newsletter)):
        writer.writerow(row)
        count += 1
    return count


def csv_lines(subscriptions: QuerySet[Subscription]) -> Iterator[str]:
    """Yield the lines of such a file of some subscriptions, as they are read; the oldest first."""
    writer = csv.writer(line := _Line())
    for row in chain(
        [list(COLUMNS)],
        _rows(subscriptions.select_related("subscriber", "newsletter").order_by("id")),
    ):
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


def _rows(subscriptions: QuerySet[Subscription]) -> Iterator[list[str]]:
    for subscription in subscriptions.iterator(chunk_size=2000):
        yield [
            escape_formula(subscription.subscriber.email),
            escape_formula(getattr(subscription, "visible_name", subscription.subscriber.name)),
            subscription.newsletter.slug,
            subscription.state,
            *map(
                _moment,
                (
                    subscription.created_at,
                    subscription.confirmed_at,
                    subscription.unsubscribed_at,
                ),
            ),
            _moment(subscription.paused_until),
        ]


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""
