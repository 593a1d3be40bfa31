"""From a row of a list to a candidate with a valid address, or to a refusal. No database."""

from typing import NamedTuple

from digest.core import addresses
from digest.core.errors import InvalidAddressError
from digest.subscribers.exporting import unescape_formula
from digest.subscribers.importing.layout import Layout
from digest.subscribers.importing.rows import Row
from digest.subscribers.models import LONGEST_ADDRESS
from digest.subscribers.names import clean_name


class Candidate(NamedTuple):
    """A row with a valid address."""

    line: int
    email: str
    key: str
    name: str


class Refusal(NamedTuple):
    """A row that was not imported: its line, its address as written, and the reason."""

    line: int
    address: str
    reason: str


def check_row(row: Row, layout: Layout) -> Candidate | Refusal:
    """Return the candidate in a row, or why there is none."""
    email = _cell(row, layout, "email")
    shown_email = clean_name(email)
    if row.problem:
        return Refusal(row.line, shown_email, row.problem)
    if not email:
        return Refusal(row.line, "", "there is no address")
    try:
        address = addresses.parse(email)
    except InvalidAddressError as problem:
        return Refusal(row.line, shown_email, str(problem))
    if len(address.key) > LONGEST_ADDRESS:
        return Refusal(row.line, shown_email, "The email address is too long.")
    return Candidate(row.line, address.email, address.key, _name(row, layout))


def _name(row: Row, layout: Layout) -> str:
    full_name = _cell(row, layout, "name")
    parts = [_cell(row, layout, "first_name"), _cell(row, layout, "last_name")]
    return clean_name(full_name or " ".join(parts))


def _cell(row: Row, layout: Layout, field: str) -> str:
    index = layout.columns.get(field, len(row.cells))
    return unescape_formula(row.cells[index].strip()) if index < len(row.cells) else ""
