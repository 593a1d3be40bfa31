"""Import a list of subscribers: streamed, in chunks stored whole or not at all, repeatable.

    read_layout > read_rows > check_row    encoding, delimiter, columns; records; valid addresses
    note_stops                             addresses that any row says must not be mailed
    store_chunk, store_stops               decided and stored by set, in one transaction
    Report                                 what happened to every row

A crash leaves whole chunks behind; running the import again completes it. An import never lifts a
suppression and never subscribes somebody who has unsubscribed, here or as the list itself says.
"""

import csv
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import EllipsisType
from typing import Any, NamedTuple, Protocol

from digest.core.addresses import mixed_scripts
from digest.newsletters.audiences.models import Attribute
from digest.newsletters.models import Newsletter
from digest.subscribers.attributes import attributes_of
from digest.subscribers.errors import ImportFileError, SubscriberError
from digest.subscribers.exporting import escape_formula
from digest.subscribers.importing.candidates import (
    Candidate,
    Columns,
    Refusal,
    Stop,
    check_row,
    stop_of,
)
from digest.subscribers.importing.causes import Cause
from digest.subscribers.importing.files import unpacked
from digest.subscribers.importing.layout import Layout, read_layout
from digest.subscribers.importing.profile_cells import match_attributes
from digest.subscribers.importing.rows import Row, read_rows
from digest.subscribers.importing.storing import (
    drop_tables,
    note_stops,
    prepare_tables,
    refresh_statistics,
    store_chunk,
    store_stops,
    verdicts_on,
)

CHUNK = 20_000  # rows
MOST_REFUSALS = 1_000  # in a Report; a refusal file has all of them
PREVIEWED = 20  # rows

CheckedRow = Candidate | Refusal | Stop
Chunk = list[CheckedRow]
Mappings = Mapping[str, str] | Iterable[tuple[str, str]]


class Preview(NamedTuple):
    """One of the first rows, and what becomes of it."""

    line: int
    address: str
    name: str
    outcome: str  # "added", "unchanged", or why it is skipped


@dataclass(slots=True)
class Report:
    """The result of an import, or of a dry run. `rows = added + unchanged + refused`."""

    layout: Layout
    dry_run: bool = False
    rows: int = 0
    added: int = 0
    unchanged: int = 0
    refused: int = 0
    suppressed: int = 0  # refused, and suppressed as the importer wanted
    active_here: int = 0  # refused for what the list says, and an active subscriber all the same
    flagged: int = 0  # imported, but the address mixes alphabets as look-alikes do
    causes: Counter[str] = field(default_factory=Counter)  # of the refused rows
    refusals: list[Refusal] = field(default_factory=list)  # the first MOST_REFUSALS
    odd: list[str] = field(default_factory=list)  # the first of the flagged addresses
    unread: Counter[str] = field(default_factory=Counter)  # cells of attributes, by their heading
    preview: list[Preview] = field(default_factory=list)  # the first PREVIEWED rows


class _Writer(Protocol):
    def writerow(self, row: Iterable[Any], /) -> Any: ...


@dataclass(frozen=True, slots=True)
class _Run:
    """What the steps of one import share."""

    newsletter: Newsletter
    attributes: Mapping[str, Attribute]
    consent: str
    now: datetime
    suppress: bool
    dry_run: bool


def import_csv(
    path: Path,
    newsletter: Newsletter,
    *,
    consent: str,
    now: datetime,
    mapping: Mappings = (),
    source: str | None = None,
    everyone: Cause | EllipsisType | None = ...,
    layout: Layout | None = None,
    suppress: bool = False,
    dry_run: bool = False,
    refused_to: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _size: None,
) -> Report:
    """Add the subscribers in a CSV file to a newsletter, as active, and report on every row.

    `consent` says how and when these people consented; it is stored with each of them. `mapping`
    and `source` are as in `layout.read_layout`; a `layout` read before and corrected by a person
    replaces them. `everyone` is the state of everybody in the file, where its name misleads. With
    `suppress`, addresses that the list says unsubscribed, bounced, complained, are blocked or
    deleted are suppressed for this newsletter. A dry run changes nothing and reports the same. All
    refusals are written to the CSV file `refused_to`, if given. `on_progress` gets the bytes read
    and the bytes in total; where a list is read twice, each time counts half.

    Raises SubscriberError without a consent statement and ImportFileError for a file that cannot
    be read as a list; then nothing was changed.
    """
    if not dry_run:
        _check_consent(consent)
    _check_refusal_file(refused_to, path)
    definitions = attributes_of(newsletter.publication_id)
    run = _Run(newsletter, definitions, consent.strip(), now, suppress=suppress, dry_run=dry_run)
    with ExitStack() as open_files:
        list_path, name = open_files.enter_context(unpacked(path))
        read = layout or match_attributes(
            read_layout(list_path, mapping, name=name, source=source, everyone=everyone),
            definitions,
        )
        report = Report(read, dry_run=dry_run)
        writer = _refusal_file(refused_to, open_files)
        _import_rows(list_path, run, report, writer, on_progress)
    on_progress(read.size, read.size)
    return report


def _check_consent(consent: str) -> None:
    if not consent.strip():
        raise SubscriberError("Describe how these subscribers consented. It is stored as evidence.")


def _check_refusal_file(refused_to: Path | None, path: Path) -> None:
    if refused_to and refused_to.exists() and path.exists() and refused_to.samefile(path):
        raise ImportFileError("The file for refused rows is the list itself. Choose another file.")


def _import_rows(
    path: Path,
    run: _Run,
    report: Report,
    writer: _Writer | None,
    on_progress: Callable[[int, int], None],
) -> None:
    layout = report.layout
    prepare_tables(run.newsletter)
    columns = Columns.of(layout, run.attributes)
    reads_twice = bool(layout.states) and not layout.everyone

    def report_bytes(done: int) -> None:
        on_progress(done // 2 if reads_twice else done, layout.size)

    if reads_twice:
        _note_stops(path, layout, columns, report_bytes)
    read_before = layout.size if reads_twice else 0
    positions = deque([0], maxlen=1)  # reported by this thread, which has the connection
    rows = read_rows(path, layout, positions.append)
    for chunk in _read_ahead(_chunks(rows, columns)):
        refusals = _import_chunk(chunk, run, report)
        _record_refusals(report, sorted(refusals), writer)
        report_bytes(read_before + positions[-1])
    drop_tables()
    if not run.dry_run:
        refresh_statistics()


def _note_stops(
    path: Path, layout: Layout, columns: Columns, on_read: Callable[[int], None]
) -> None:
    """Read a list with columns of states once before: any of its rows may stop a person."""
    records = read_rows(path, layout, on_read)
    rows = (row for row in records if not row.problem and stop_of(row, columns))
    stops = (
        stop._replace(reason=f"{stop.reason} in line {stop.line}")
        for row in rows
        if isinstance(stop := check_row(row, columns), Stop)
    )
    while batch := list(islice(stops, CHUNK)):
        note_stops(batch)


def _import_chunk(chunk: Chunk, run: _Run, report: Report) -> list[Refusal]:
    """Store one chunk; count it in the report and return what was refused."""
    candidates = [row for row in chunk if isinstance(row, Candidate)]
    stops = [row for row in chunk if isinstance(row, Stop)]
    refusals = [row for row in chunk if isinstance(row, Refusal)]
    refusals += [Refusal(row.line, row.address, row.reason, row.cause) for row in stops]
    added, refused = store_chunk(
        candidates, run.newsletter, run.consent, run.now, dry_run=run.dry_run
    )
    refusals += refused
    if stops:
        suppressed, active = store_stops(
            stops, run.newsletter, run.now, suppress=run.suppress, dry_run=run.dry_run
        )
        report.suppressed += suppressed
        report.active_here += active
    if not report.rows:
        report.preview = _preview(chunk[:PREVIEWED])
    odd = [row for row in candidates if not row.email.isascii() and mixed_scripts(row.email)]
    for row in candidates:
        report.unread.update(row.profile.problems if row.profile else ())
    report.rows += len(chunk)
    report.flagged += len(odd)
    report.odd += [row.email for row in odd][: MOST_REFUSALS - len(report.odd)]
    report.added += added
    report.refused += len(refusals)
    report.unchanged += len(chunk) - added - len(refusals)
    report.causes.update(str(refusal.cause) for refusal in refusals)
    return refusals


def _preview(chunk: Chunk) -> list[Preview]:
    """Return what became of these rows of the chunk that was stored last."""
    verdicts = verdicts_on([row.line for row in chunk])
    return [
        Preview(row.line, row.email, row.name, _OUTCOMES.get(verdict, verdict))
        if isinstance(row, Candidate) and (verdict := verdicts.get(row.line, "add"))
        else Preview(row.line, row[1], "", row.reason)  # type: ignore[union-attr]  # a refusal
        for row in chunk
    ]


_OUTCOMES = {"add": "added", "unchanged": "already subscribed"}


def _chunks(rows: Iterator[Row], columns: Columns) -> Iterator[Chunk]:
    while chunk := [check_row(row, columns) for row in islice(rows, CHUNK)]:
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
        for line, address, reason, cause in refusals:
            cells = [escape_formula(address), escape_formula(reason), str(cause)]
            writer.writerow([line, *cells])
