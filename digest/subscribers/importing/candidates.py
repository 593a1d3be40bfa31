"""From a row of a list to a candidate with a valid address, or to a refusal. No database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from digest.core import addresses
from digest.core.errors import InvalidAddressError
from digest.core.text import one_line
from digest.newsletters.audiences.models import Attribute
from digest.subscribers.exporting import unescape_formula
from digest.subscribers.importing.causes import Cause
from digest.subscribers.importing.layout import Layout, StateColumn
from digest.subscribers.importing.profile_cells import ProfileCells, ProfileColumns
from digest.subscribers.importing.rows import Row
from digest.subscribers.importing.states import Verdict, judge, plain, worst
from digest.subscribers.models import LONGEST_ADDRESS, LONGEST_NAME

_LONGEST_SHOWN = 60  # characters of a cell in a reason


class Candidate(NamedTuple):
    """A row with a valid address."""

    line: int
    email: str
    key: str
    name: str
    profile: ProfileCells | None = None


class Refusal(NamedTuple):
    """A row that was not imported: its line, its address as written, the reason and its kind."""

    line: int
    address: str
    reason: str
    cause: str = Cause.ADDRESS


class Stop(NamedTuple):
    """A row with a valid address whose person must not be mailed, as the list itself says."""

    line: int
    address: str
    key: str
    reason: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a row's cells are, looked up once for a file."""

    email: int
    name: int | None
    first_name: int | None
    last_name: int | None
    states: tuple[StateColumn, ...]
    everyone: Cause | None
    profile: ProfileColumns

    @classmethod
    def of(cls, layout: Layout, definitions: Mapping[str, Attribute] | None = None) -> "Columns":
        """Return a layout's columns; `definitions` are the attributes of the publication.

        Without them no tags and values are read: digest.transfers reads them itself.
        """
        columns = layout.columns
        return cls(
            email=columns["email"],
            name=columns.get("name"),
            first_name=columns.get("first_name"),
            last_name=columns.get("last_name"),
            states=(*layout.states, *layout.other_columns),
            everyone=layout.everyone,
            profile=ProfileColumns()
            if definitions is None
            else ProfileColumns.of(layout, definitions),
        )


def check_row(row: Row, columns: Columns) -> Candidate | Refusal | Stop:
    """Return the candidate in a row, or why there is none."""
    email = _cell(row, columns.email)
    if row.problem:
        return Refusal(row.line, one_line(email, LONGEST_NAME), row.problem, Cause.UNREADABLE)
    if not email:
        return Refusal(row.line, "", "there is no address")
    try:
        address = addresses.parse(email)
    except InvalidAddressError as problem:
        return Refusal(row.line, one_line(email, LONGEST_NAME), str(problem))
    if len(address.key) > LONGEST_ADDRESS:
        return Refusal(row.line, one_line(email, LONGEST_NAME), "The email address is too long.")
    if stop := stop_of(row, columns):
        cause, reason = stop
        return Stop(row.line, address.email, address.key, reason, cause)
    profile = columns.profile.read(row.cells)
    return Candidate(row.line, address.email, address.key, _name(row, columns), profile)


def stop_of(row: Row, columns: Columns) -> tuple[Cause, str] | None:
    """Return why the list itself says that a person must not be mailed, or None."""
    cells = row.cells
    width = len(cells)
    verdicts: list[tuple[Verdict, str]] = []
    for column in columns.states:
        cell = cells[column.index].strip() if column.index < width else ""
        if verdict := judge(column.reading, cell, column.cause):
            cause = column.terms.get(plain(cell), verdict.cause)
            verdicts.append((Verdict(cause, cell), column.heading))
    if verdicts:
        return _reason(verdicts)
    if columns.everyone:
        return columns.everyone, f"{columns.everyone}: everybody in this file is"
    return None


def _reason(verdicts: list[tuple[Verdict, str]]) -> tuple[Cause, str]:
    gravest = worst([verdict for verdict, _ in verdicts])
    heading = next(heading for verdict, heading in verdicts if verdict is gravest)
    cell = one_line(gravest.cell, _LONGEST_SHOWN)
    says = f"says “{cell}”" if cell else "is empty"
    return gravest.cause, f"{gravest.cause}: “{one_line(heading, _LONGEST_SHOWN)}” {says}"


def _name(row: Row, columns: Columns) -> str:
    full_name = _cell(row, columns.name)
    if not full_name and columns.first_name is None and columns.last_name is None:
        return ""
    parts = [_cell(row, columns.first_name), _cell(row, columns.last_name)]
    return one_line(full_name or " ".join(parts), LONGEST_NAME)


def _cell(row: Row, index: int | None) -> str:
    if index is None or index >= len(row.cells):
        return ""
    return unescape_formula(row.cells[index].strip())
