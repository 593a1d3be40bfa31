"""The lists of people in an export: recognised, read row by row, stored with what they say.

    lists_in      the CSV files that are lists of people, and how each is read
    check_lists   every row decided on, and stored unless it is a dry run

Whoever one list of an export says must not be mailed is added from none of its lists.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path, PurePosixPath

from django.db import transaction

from digest.core.text import one_line
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Newsletter
from digest.subscribers.attributes import attributes_of
from digest.subscribers.errors import ImportFileError
from digest.subscribers.importing import storing
from digest.subscribers.importing.candidates import Candidate, Columns, Refusal, Stop, check_row
from digest.subscribers.importing.causes import Cause
from digest.subscribers.importing.cells import split_cell
from digest.subscribers.importing.details import Details, store_details
from digest.subscribers.importing.layout import Layout, read_layout, state_of_file
from digest.subscribers.importing.rows import Row, read_rows
from digest.transfers import json_lists, rows
from digest.transfers.columns import DetailColumns, Role, find_columns
from digest.transfers.details import read_details
from digest.transfers.errors import TransferError
from digest.transfers.files import Export
from digest.transfers.options import Options
from digest.transfers.reporting import ListReport
from digest.transfers.services import SERVICES, service_of

CHUNK = 10_000  # rows
_SAMPLE = 300  # rows that show what columns hold
_LISTED = 20  # names of lists in a message
_LOOKED_AT = 65_536  # bytes of a file, for an address
_ENDINGS = (".csv", ".tsv", ".txt")
_NO_LISTS = (".json", ".jsonl", ".html", ".htm")
# Mailchimp's files are of one audience each, which the end of their names tells apart.
_AUDIENCE = re.compile(r"_export_([0-9a-z]{4,40})\.csv", re.IGNORECASE)
_NOT_AFFIRMED = "the file does not say whether they left"

CheckedRow = Candidate | Refusal | Stop
OnProgress = Callable[[int], None]  # gets the bytes read


@dataclass(frozen=True, slots=True)
class SubscriberList:
    """A list of people in an export, and how it is read."""

    path: Path
    name: str
    service: str  # a key of services.SERVICES, or ""
    layout: Layout
    columns: DetailColumns
    is_exact: bool = False  # its states are those of the mailing list that was chosen

    @property
    def audience(self) -> str:
        """The audience of Mailchimp's that its people are of, as its name says; "" for no such."""
        match = _AUDIENCE.search(self.name) if self.service == "mailchimp" else None
        return match[1].lower() if match else ""


def lists_in(export: Export, newsletter: Newsletter) -> list[SubscriberList]:
    """Return the lists of people in an export.

    Where there are other files, only a list that a service we know wrote is one: a report of who
    clicked what has addresses, too.
    """
    topics = topics_of(newsletter)
    attributes = attributes_of(newsletter.publication_id)
    is_alone = len(export.names) == 1
    lists = []
    for name in export.names:
        if source := _source_of(export, name, is_alone=is_alone):
            path, layout, service = source
            sample = [row.cells for row in islice(read_rows(path, layout), _SAMPLE)]
            columns = find_columns(layout, sample, topics, attributes)
            is_exact = bool(rows.service_in(name)) or name.lower().endswith(".json")
            file_name = PurePosixPath(name).name
            lists.append(SubscriberList(path, file_name, service, layout, columns, is_exact))
    return lists


def _source_of(export: Export, name: str, *, is_alone: bool) -> tuple[Path, Layout, str] | None:
    """Return a file's copy, how it is read, and which service wrote it; None if it is no list."""
    if service := rows.service_in(name):
        return _written_by_us(export.copy(name), service)
    if json_lists.applies(export, name):
        return _written_by_us(json_lists.as_list(export, name), json_lists.SERVICE)
    is_list = name.lower().endswith(_ENDINGS) or (is_alone and not name.lower().endswith(_NO_LISTS))
    if not is_list or (not is_alone and b"@" not in export.start(name, _LOOKED_AT)):
        return None
    path = export.copy(name)
    try:
        layout = read_layout(path, everyone=_state_of(name))
    except ImportFileError as problem:
        if is_alone:
            raise TransferError(str(problem)) from problem
        return None
    return (path, layout, layout.source) if is_alone or layout.source in SERVICES else None


def _written_by_us(path: Path, service: str) -> tuple[Path, Layout, str]:
    return path, read_layout(path, rows.MAPPING, source="", everyone=None), service


def topics_of(newsletter: Newsletter) -> tuple[str, ...]:
    """Return the titles of a newsletter's topic blocks."""
    blocks = newsletter.layout.filter(kind=BlockKind.TOPIC).order_by("position")
    return tuple(blocks.values_list("title", flat=True))


@dataclass(frozen=True, slots=True)
class _Run:
    """What the steps of one list share."""

    newsletter: Newsletter
    options: Options
    topics: tuple[str, ...]
    refuses_all: bool  # nobody affirmed what the list itself does not say
    now: datetime
    dry_run: bool
    on_refusal: Callable[[str, Refusal], None]


def check_lists(
    lists: list[SubscriberList],
    newsletter: Newsletter,
    options: Options,
    *,
    question: str,
    now: datetime,
    dry_run: bool,
    on_refusal: Callable[[str, Refusal], None],
    on_progress: OnProgress,
) -> list[ListReport]:
    """Decide on every row of the lists, and store what is added unless it is a dry run.

    `on_refusal` gets the name of the list and each row that is not added, `on_progress` the bytes
    that were read of all lists.
    """
    run = _Run(
        newsletter=newsletter,
        options=options,
        topics=topics_of(newsletter),
        refuses_all=bool(question) and not options.affirmed,
        now=now,
        dry_run=dry_run,
        on_refusal=on_refusal,
    )
    stated = [row for row in lists if row.layout.states or row.layout.everyone]
    size, before = (sum(row.layout.size for row in group) for group in (lists, stated))
    share = size / (before + size or 1)
    storing.prepare_tables(newsletter)
    for row, report in _with_progress(stated, lambda done: on_progress(int(done * share))):
        _note_stops(row, report)
    reports = [
        _check_list(row, run, report)
        for row, report in _with_progress(
            lists, lambda done: on_progress(int((before + done) * share))
        )
    ]
    storing.drop_tables()
    if not dry_run:
        storing.refresh_statistics()
    return reports


def _with_progress(
    lists: list[SubscriberList], on_progress: OnProgress
) -> Iterator[tuple[SubscriberList, OnProgress]]:
    """Yield each list with what gets the bytes read of it; `on_progress` gets those of all."""
    base = 0
    for row in lists:
        yield row, lambda done, base=base: on_progress(base + done)  # type: ignore[misc]
        base += row.layout.size


def _note_stops(subscriber_list: SubscriberList, on_progress: OnProgress) -> None:
    columns = Columns.of(subscriber_list.layout)
    records = read_rows(subscriber_list.path, subscriber_list.layout, on_progress)
    checked = (check_row(row, columns) for row in records)
    stops = (
        row._replace(reason=f"{row.reason}, in line {row.line} of {subscriber_list.name}")
        for row in checked
        if isinstance(row, Stop)
    )
    while batch := list(islice(stops, CHUNK)):
        storing.note_stops(batch)


def _check_list(subscriber_list: SubscriberList, run: _Run, on_progress: OnProgress) -> ListReport:
    report = ListReport(
        subscriber_list.name, subscriber_list.service, subscriber_list.columns.unread
    )
    records = read_rows(subscriber_list.path, subscriber_list.layout, on_progress)
    columns = Columns.of(subscriber_list.layout)
    while chunk := list(islice(records, CHUNK)):
        checked = [_check_row(row, columns, subscriber_list, run) for row in chunk]
        details = [
            read_details(row, subscriber_list.columns, subscriber_list.service, run.topics, run.now)
            for row, result in zip(chunk, checked, strict=True)
            if isinstance(result, Candidate)
        ]
        _store(checked, [row for row in details if not row.is_empty], subscriber_list, run, report)
    return report


def _check_row(
    row: Row, columns: Columns, subscriber_list: SubscriberList, run: _Run
) -> CheckedRow:
    result = check_row(row, columns)
    if not isinstance(result, Candidate):
        return result
    if run.refuses_all:
        return Refusal(result.line, result.email, _NOT_AFFIRMED, Cause.UNKNOWN)
    return _of_other_list(row, result, subscriber_list, run.options.list_name) or result


def _of_other_list(
    row: Row, candidate: Candidate, subscriber_list: SubscriberList, list_name: str
) -> Refusal | None:
    """Refuse a row of another list than the one that was chosen, where a column names lists."""
    index = subscriber_list.columns.roles.get(Role.LIST)
    if index is None or not list_name:
        return None
    cell = row.cells[index].strip() if index < len(row.cells) else ""
    if list_name.casefold() in {part.casefold() for part in (cell, *split_cell(cell))}:
        return None
    reason = f"subscribed to another list: {one_line(cell, 60) or 'none'}"
    return Refusal(candidate.line, candidate.email, reason, Cause.UNKNOWN)


def _store(
    checked: list[CheckedRow],
    details: list[Details],
    subscriber_list: SubscriberList,
    run: _Run,
    report: ListReport,
) -> None:
    """Store one chunk, all or none of it, and count it."""
    candidates = [row for row in checked if isinstance(row, Candidate)]
    stops = [row for row in checked if isinstance(row, Stop)]
    refusals = [row for row in checked if isinstance(row, Refusal)]
    refusals += [Refusal(row.line, row.address, row.reason, row.cause) for row in stops]
    with transaction.atomic():
        added, refused = storing.store_chunk(
            candidates, run.newsletter, run.options.consent, run.now, dry_run=run.dry_run
        )
        via = subscriber_list.service or "import"
        counts = store_details(details, run.newsletter, via, dry_run=run.dry_run)
    refusals += refused
    suppressed = 0
    if stops:
        suppressed, active = storing.store_stops(
            stops,
            run.newsletter,
            run.now,
            suppress=run.options.suppress,
            dry_run=run.dry_run,
        )
        report.active_here += active
    report.count(len(checked), added, refusals, suppressed, counts)
    for refusal in sorted(refusals):
        run.on_refusal(subscriber_list.name, refusal)


def names_of_lists(lists: list[SubscriberList]) -> list[str]:
    """Return the names in the columns that name lists, each once; at most a few more than shown."""
    names: dict[str, None] = {}
    for subscriber_list in lists:
        index = subscriber_list.columns.roles.get(Role.LIST)
        if index is None:
            continue
        for row in read_rows(subscriber_list.path, subscriber_list.layout):
            if index < len(row.cells) and (cell := row.cells[index].strip()):
                names[one_line(cell, 200)] = None
            if len(names) > _LISTED:
                break
    return list(names)


def choose_list(lists: list[SubscriberList], list_name: str) -> None:
    """Raise TransferError if there are several mailing lists, and none of them is chosen."""
    names = names_of_lists(lists)
    listing = ", ".join(f"“{name}”" for name in names[:_LISTED])
    if list_name and names and list_name.casefold() not in {name.casefold() for name in names}:
        raise TransferError(f"There is no list “{list_name}” in this export. It has: {listing}.")
    if not list_name and len(names) > 1:
        raise TransferError(f"This export has several lists. Name one of them: {listing}.")


def of_audience(
    lists: list[SubscriberList], list_name: str, other_names: Collection[str]
) -> list[SubscriberList]:
    """Return the lists of the audience that was chosen; all of them where there is only one.

    `other_names` are those by which past issues alone are chosen, with no people. Raises
    TransferError if there are several audiences, and none of them is chosen: who subscribed to one
    did not subscribe to the others.
    """
    audiences = list(dict.fromkeys(row.audience for row in lists if row.audience))
    chosen = list_name.casefold()
    if len(audiences) < 2:
        return lists
    if chosen in {name.casefold() for name in other_names}:
        return []
    if chosen not in audiences:
        raise TransferError(
            f"This export has the people of several audiences. Name one of them, as its files do: "
            f"{', '.join(f'“{name}”' for name in audiences[:_LISTED])}."
        )
    return [row for row in lists if row.audience in {"", chosen}]


def question_of(lists: list[SubscriberList], *, has_one_newsletter: bool) -> str:
    """Return what a person has to affirm before anybody in these lists is added; "" for nothing.

    `has_one_newsletter` says that the export itself shows that the service has only one.
    """
    for subscriber_list in lists:
        question = service_of(subscriber_list.service).question
        knows_states = subscriber_list.service == "ghost" and has_one_newsletter
        says_lists = Role.LIST in subscriber_list.columns.roles
        if question and not (knows_states or says_lists or subscriber_list.is_exact):
            return question
    return ""


def _state_of(name: str) -> Cause | None:
    """Return the state of everybody in a file, by its name or that of a folder around it.

    The part that is nearest to the file says it: `lists/subscribed/cleaned.csv` is cleaned.
    """
    for part in reversed(PurePosixPath(name).parts):
        if cause := state_of_file(part):
            return cause
        if "subscribed" in part.lower():
            return None
    return None
