"""A transfer from beginning to end: what is in the export, and what becomes of it.

A dry run and the import do the same, but for storing; so what a person was shown is what happens.
Importing an export again changes nothing: people are known by their address, past issues by what
they are called at the service.
"""

import csv
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from digest.newsletters.models import Newsletter
from digest.subscribers.errors import SubscriberError
from digest.subscribers.exporting import escape_formula
from digest.subscribers.importing.candidates import Refusal
from digest.transfers import files, subscriber_lists
from digest.transfers.errors import TransferError
from digest.transfers.files import Export
from digest.transfers.issues import forms_in, ghost, mailchimp, past_issues
from digest.transfers.models import Transfer
from digest.transfers.options import Options
from digest.transfers.past_issues import Target, check_issues
from digest.transfers.reporting import Report
from digest.transfers.services import SERVICES, service_of
from digest.transfers.subscriber_lists import SubscriberList

OnProgress = Callable[[float], None]  # gets the share that is done, from 0 to 1
_LISTS_SHARE = 0.8  # of the work, where there are past issues too
_UNREADABLE = (
    "There is no list of subscribers and no past issue in this file that Digest can read. It reads "
    "the exports of Mailchimp, Substack, Ghost, listmonk, Buttondown, beehiiv and MailPoet as they "
    "are downloaded: zip, CSV or JSON."
)
_NO_SUBSCRIBERS_OF_GHOST = (
    "Members are not in this file. In Ghost, choose Members > Export all members, and bring that "
    "CSV file along: you can choose both files at once."
)
_NO_SUBSCRIBERS = "There are no subscribers in this export."


def run_transfer(
    path: Path,
    newsletter: Newsletter,
    options: Options,
    *,
    now: datetime,
    dry_run: bool,
    transfer: Transfer | None = None,
    skipped_to: Path | None = None,
    on_progress: OnProgress = lambda _share: None,
) -> Report:
    """Import an export (`packing.pack`), or say what an import would do; return what happened.

    All rows that are not added are written to the CSV file `skipped_to`, if given. Raises
    TransferError for what cannot be read, and SubscriberError without a consent statement; then
    nothing was changed.
    """
    if not (options.consent.strip() or dry_run):
        raise SubscriberError("Describe how these subscribers consented. It is stored as evidence.")
    with ExitStack() as stack:
        export = stack.enter_context(files.opened(path))
        contents = _look_into(export, newsletter, options)
        report = Report(_service(contents), question=contents.question)
        report.lists = subscriber_lists.check_lists(
            contents.lists,
            newsletter,
            options,
            question=report.question,
            now=now,
            dry_run=dry_run,
            on_refusal=_refusal_file(skipped_to, stack),
            on_progress=_list_progress(contents, on_progress),
        )
        report.issues = check_issues(
            past_issues(export, newsletter, options.list_name),
            Target(newsletter, transfer, options.issues),
            dry_run=dry_run,
            on_progress=lambda number: on_progress(_LISTS_SHARE + _share_of(number)),
        )
        report.remarks = _remarks(report, contents)
    on_progress(1)
    return report


class _Contents(NamedTuple):
    """What is in an export."""

    lists: list[SubscriberList]
    forms: list[str]  # of its past issues
    question: str


def _look_into(export: Export, newsletter: Newsletter, options: Options) -> _Contents:
    """Return what is in an export; raise TransferError if nothing is, or a list has to be named."""
    lists, forms = subscriber_lists.lists_in(export, newsletter), forms_in(export)
    if not (lists or forms):
        raise TransferError(_UNREADABLE)
    names = ghost.newsletter_names(export)
    _choose_list(lists, names, options.list_name)
    lists = subscriber_lists.of_audience(lists, options.list_name, mailchimp.list_names(export))
    question = subscriber_lists.question_of(lists, has_one_newsletter=len(names) == 1)
    return _Contents(lists, forms, question)


def _choose_list(lists: list[SubscriberList], newsletters: list[str], list_name: str) -> None:
    subscriber_lists.choose_list(lists, list_name)
    names = {name.casefold() for name in newsletters}
    if len(names) > 1 and list_name.casefold() not in names:
        listing = ", ".join(f"“{name}”" for name in newsletters[:20])
        raise TransferError(f"This export has several newsletters. Name one of them: {listing}.")


def _service(contents: _Contents) -> str:
    """Return the key of the service that wrote most of the export."""
    keys = Counter([row.service for row in contents.lists if row.service])
    keys.update(form for form in contents.forms if form in SERVICES)
    return keys.most_common(1)[0][0] if keys else ""


def _list_progress(contents: _Contents, on_progress: OnProgress) -> Callable[[int], None]:
    total = sum(row.layout.size for row in contents.lists) or 1
    share = _LISTS_SHARE if contents.forms else 1.0
    return lambda done: on_progress(min(1.0, done / total) * share)


def _share_of(number: int) -> float:
    """Return a share of the rest that grows with the number of issues, whose total is not known."""
    return (1 - _LISTS_SHARE) * number / (number + 100)


def _remarks(report: Report, contents: _Contents) -> list[str]:
    """Say in sentences what stays behind."""
    remarks: list[str] = []
    lists = contents.lists
    if not lists:
        remarks.append(_NO_SUBSCRIBERS_OF_GHOST if "ghost" in contents.forms else _NO_SUBSCRIBERS)
    unread = dict.fromkeys(heading for row in lists for heading in row.columns.unread)
    if unread:
        remarks.append(
            f"These columns and values are not read: {', '.join(list(unread)[:30])}. To keep one, "
            "define an attribute with its name under Segments > Attributes first, then read the "
            "file again."
        )
    if report.issues.pictures:
        remarks.append(
            "Pictures of past issues stay where they are: they vanish from the archive when you "
            "close your account there."
        )
    keys = dict.fromkeys([report.service, *(row.service for row in lists)])
    return remarks + [remark for key in keys for remark in service_of(key).remarks]


def _refusal_file(path: Path | None, stack: ExitStack) -> Callable[[str, Refusal], None]:
    if path is None:
        return lambda _name, _refusal: None
    try:
        stream = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
    except OSError as cause:
        raise TransferError(f"Cannot write {path}: {cause.strerror}.") from cause
    writer: Any = csv.writer(stream)
    writer.writerow(("file", *Refusal._fields))

    def write(name: str, refusal: Refusal) -> None:
        cells = [escape_formula(cell) for cell in (name, refusal.address, refusal.reason)]
        writer.writerow([cells[0], refusal.line, *cells[1:], str(refusal.cause)])

    return write
