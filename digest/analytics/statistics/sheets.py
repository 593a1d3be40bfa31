"""Tables of reports: their columns, rows, and CSV. The console, the CLI and the API show them.

A cell is text, a whole number, a share from 0 to 1, a moment or a day, or None where there is none.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from digest.analytics.statistics.definitions import DEFINITIONS
from digest.core import clock
from digest.core.text import percent
from digest.subscribers.exporting import escape_formula

Cell = str | int | float | date | datetime | None


class Kind(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    NUMBER = "number"
    SHARE = "share"
    MOMENT = "moment"
    DAY = "day"


class Column(NamedTuple):
    """A column: its name in CSV and JSON, its heading, what its cells are, and what they mean."""

    name: str
    label: str
    kind: Kind = Kind.NUMBER
    definition: str = ""  # a key of DEFINITIONS

    @property
    def meaning(self) -> str:
        """What its numbers mean; blank for plain columns."""
        return DEFINITIONS.get(self.definition, "")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: the first cell of a row names it; `links` are the pages of the rows, if any."""

    name: str  # in addresses and file names
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    keys: Sequence[int] = ()  # ids of what the rows are about
    empty: str = "Nothing yet."
    timezone: str = "UTC"

    def written(self) -> list[list[str]]:
        """Return the rows as people read them, times in the sheet's zone."""
        zone = clock.zone(self.timezone)
        return [
            [
                _written(cell, column.kind, zone)
                for cell, column in zip(row, self.columns, strict=True)
            ]
            for row in self.rows
        ]

    def csv(self) -> str:
        """Return the table as CSV (RFC 4180): times in UTC, shares from 0 to 1."""
        sink = io.StringIO()
        writer = csv.writer(sink)
        writer.writerow([column.name for column in self.columns])
        writer.writerows([[_plain(cell) for cell in row] for row in self.rows])
        return sink.getvalue()

    def values(self, key: str = "") -> list[dict[str, Cell]]:
        """Return each row by the names of the columns, for JSON; with its id under `key`."""
        names = [column.name for column in self.columns]
        rows = [dict(zip(names, row, strict=True)) for row in self.rows]
        if not key:
            return rows
        return [{key: pk, **row} for pk, row in zip(self.keys, rows, strict=True)]


def _written(cell: Cell, kind: Kind, zone: ZoneInfo) -> str:
    if cell is None:
        return "—"
    if isinstance(cell, datetime):
        return f"{cell.astimezone(zone):%-d %b %Y, %H:%M %Z}"
    if isinstance(cell, date):
        return f"{cell:%-d %b %Y}"
    if isinstance(cell, float) and kind == Kind.SHARE:
        return percent(cell)
    if isinstance(cell, float):
        return f"{cell:,.1f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _plain(cell: Cell) -> str:
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        return f"{cell:.6g}"
    return "" if cell is None else escape_formula(str(cell)) if isinstance(cell, str) else str(cell)
