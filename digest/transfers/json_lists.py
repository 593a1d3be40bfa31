"""Subscribers in JSON, as Buttondown exports them, written as a list that is read like others."""

from pathlib import Path

from digest.transfers.files import LARGEST_JSON, Export
from digest.transfers.issues.buttondown import rows_of
from digest.transfers.remote.buttondown import read_person
from digest.transfers.rows import write_persons

SERVICE = "buttondown"
_LOOKED_AT = 65_536  # bytes


def applies(export: Export, name: str) -> bool:
    """Say whether a file is such a list."""
    if not name.lower().endswith(".json"):
        return False
    start = export.start(name, _LOOKED_AT)
    return b'"email_address"' in start and b'"type"' in start and b'"body"' not in start


def as_list(export: Export, name: str) -> Path:
    """Return the path of the list that it is written to; raise TransferError if it is damaged."""
    persons = map(read_person, rows_of(export.read(name, LARGEST_JSON)))
    path = export.temporary_path()
    with path.open("w", encoding="utf-8", newline="") as text:
        write_persons(persons, text)
    return path
