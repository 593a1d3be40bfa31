"""Import a list of subscribers: streamed, in chunks stored whole or not at all, repeatable.

    read_layout > read_rows > check_row    encoding, delimiter, columns; records; valid addresses
    store_chunk                            decided and stored by set, in one transaction
    Report                                 what happened to every row

A crash leaves whole chunks behind; running the import again completes it. An import never lifts a
suppression and never subscribes somebody who has unsubscribed.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from digest.core.addresses import mixed_scripts
from digest.newsletters.models import Newsletter
from digest.subscribers.errors import ImportFileError, SubscriberError
from digest.subscribers.exporting import escape_formula
from digest.subscribers.importing.candidates import Candidate, Refusal, check_row
from digest.subscribers.importing.layout import Layout, read_layout
from digest.subscribers.importing.rows import Row, read_rows
from digest.subscribers.importing.storing import drop_tables, prepare_tables, store_chunk

CHUNK = 20_000  # rows
MOST_REFUSALS = 1_000  # in a Report; a refusal file has all of them

Chunk = list[Candidate | Refusal]


@dataclass(slots=True)
class Report:
    """The result of an import. `rows = added + unchanged + refused`."""

    layout: Layout
    rows: int = 0
    added: int = 0
    unchanged: int = 0
    refused: int = 0
    flagged: int = 0  # imported, but the address mixes alphabets as look-alikes do
    refusals: list[Refusal] = field(default_factory=list)  # the first MOST_REFUSALS
    odd: list[str] = field(default_factory=list)  # the first of the flagged addresses


class _Writer(Protocol):
    def writerow(self, row: Iterable[Any], /) -> Any: ...


def import_csv(
    path: Path,
    newsletter: Newsletter,
    *,
    consent: str,
    now: datetime,
    mapping: dict[str, str] | None = None,
    refused_to: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _size: None,
) -> Report:
    """Add the subscribers in a CSV file to a newsletter, as active, and report on every row.

    `consent` says how and when these people consented; it is stored with each of them. `mapping` is
    as in `layout.read_layout`. All refusals are written to the CSV file `refused_to`, if given.
    `on_progress` gets the bytes read and the bytes in total.

    Raises SubscriberError without a consent statement and ImportFileError for a file that cannot
    be read as a list; then nothing was changed.
    """
    if not consent.strip():
        raise SubscriberError("Describe how these subscribers consented. It is stored as evidence.")
    layout = read_layout(path, mapping)
    if refused_to and refused_to.exists() and refused_to.samefile(path):
        raise ImportFileError("The file for refused rows is the list itself. Choose another file.")
    report = Report(layout)
    with ExitStack() as open_files:
        writer = _refusal_file(refused_to, open_files)
        prepare_tables(newsletter)
        rows = read_rows(path, layout, lambda done: on_progress(done, layout.size))
        for chunk in _read_ahead(_chunks(rows, layout)):
            refusals = _import_chunk(chunk, newsletter, consent.strip(), report, now)
            _record_refusals(report, sorted(refusals), writer)
        drop_tables()
    on_progress(layout.size, layout.size)
    return report


def _import_chunk(
    chunk: Chunk, newsletter: Newsletter, consent: str, report: Report, now: datetime
) -> list[Refusal]:
    """Store one chunk; count it in the report and return what was refused."""
    candidates = [row for row in chunk if isinstance(row, Candidate)]
    refusals = [row for row in chunk if isinstance(row, Refusal)]
    added, refused = store_chunk(candidates, newsletter, consent, now)
    refusals += refused
    odd = [row for row in candidates if not row.email.isascii() and mixed_scripts(row.email)]
    report.rows += len(chunk)
    report.flagged += len(odd)
    report.odd += [row.email for row in odd][: MOST_REFUSALS - len(report.odd)]
    report.added += added
    report.refused += len(refusals)
    report.unchanged += len(chunk) - added - len(refusals)
    return refusals


def _chunks(rows: Iterator[Row], layout: Layout) -> Iterator[Chunk]:
    while chunk := [check_row(row, layout) for row in islice(rows, CHUNK)]:
        yield chunk


def _read_ahead(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Read and check the next chunk while the database stores the previous one."""
    with ThreadPoolExecutor(1, "import") as executor:
        upcoming = executor.submit(next, chunks, None)
        while chunk := upcoming.result():
            upcoming = executor.submit(next, chunks, None)
            yield chunk


def _refusal_file(path: Path | None, open_files: ExitStack) -> _Writer | None:
    if path is None:
        return None
    try:
        stream = open_files.enter_context(path.open("w", encoding="utf-8", newline=""))
    except OSError as cause:
        raise ImportFileError(f"Cannot write {path}: {cause.strerror}.") from cause
    writer = csv.writer(stream)
    writer.writerow(Refusal._fields)
    return writer


def _record_refusals(report: Report, refusals: list[Refusal], writer: _Writer | None) -> None:
    report.refusals += refusals[: MOST_REFUSALS - len(report.refusals)]
    if writer:
        for line, address, reason in refusals:
            writer.writerow([line, escape_formula(address), escape_formula(reason)])
