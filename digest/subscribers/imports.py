"""Imports that a person checks before they begin: uploaded, checked, imported or discarded.

    store     read the upload; refuse what is not a list; keep it, compressed
    check     a dry run of the whole file, as the person wants it read
    run       the import; the list is deleted, its report stays for a while
    discard   the list is deleted, and nothing was imported

The upload is kept in the database, because the next request may reach another web server.
"""

import gzip
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.db.models import Q, QuerySet

from digest.core.text import one_line
from digest.newsletters.models import Newsletter
from digest.subscribers.attributes import attributes_of
from digest.subscribers.errors import ImportFileError, SubscriberError
from digest.subscribers.importing import Report, import_csv
from digest.subscribers.importing.causes import Cause
from digest.subscribers.importing.files import unpacked
from digest.subscribers.importing.layout import Layout, read_layout
from digest.subscribers.importing.profile_cells import match_attributes
from digest.subscribers.importing.rows import read_rows
from digest.subscribers.models import LONGEST_NAME, SubscriberImport

KEEP_LIST = timedelta(days=1)
KEEP_REPORT = timedelta(days=30)
LONGEST_RUN = timedelta(hours=1)  # then the process that ran it has died
LISTED = 50  # refused rows, and look-alikes, in a summary
EXAMPLES = 3  # cells of a column
_LONGEST_EXAMPLE = 60
_HAS_BEGUN = "This list is being imported, or has been."


def store(
    path: Path, file_name: str, newsletter: Newsletter, consent: str, limit: int, now: datetime
) -> SubscriberImport:
    """Store an uploaded list of at most `limit` bytes and check it; return the import.

    Raises ImportFileError for what is not a list.
    """
    with unpacked(path) as (list_path, inner_name):
        name = file_name if list_path == path else inner_name
        layout = read_layout(list_path, name=name)
        layout = match_attributes(layout, attributes_of(newsletter.publication_id))
        if layout.size > limit:
            raise ImportFileError(f"The list is larger than {limit // 1_000_000} MB, unpacked.")
        upload = SubscriberImport(
            newsletter=newsletter,
            file_name=one_line(name, LONGEST_NAME) or "list.csv",
            content=gzip.compress(list_path.read_bytes(), 6),
            consent=consent,
            skipped=b"",
            created_at=now,
        )
        _set_layout(upload, layout)
        _check(upload, list_path, layout, now)
    upload.save()
    return upload


def check(
    upload: SubscriberImport,
    *,
    source: str,
    meanings: list[str],
    everyone: Cause | None,
    suppress: bool,
    now: datetime,
) -> None:
    """Check the list again, as a person wants it read.

    Another source brings its own meanings. Raises ImportFileError where they make no sense, and
    SubscriberError if the import has begun meanwhile.
    """
    definitions = attributes_of(upload.newsletter.publication_id)
    with _list(upload) as path:
        layout = read_layout(path, name=upload.file_name, source=source)
        if source == upload.source:
            layout = layout.with_meanings(meanings, everyone)
        else:
            layout = match_attributes(replace(layout, everyone=everyone), definitions)
        _set_layout(upload, layout)
        upload.suppress = suppress
        _check(upload, path, layout, now)
    names = ("source", "everyone", "meanings", "suppress", "report")
    if not _idle(upload, now).update(**{name: getattr(upload, name) for name in names}):
        raise SubscriberError(_HAS_BEGUN)


def differs(
    upload: SubscriberImport,
    *,
    source: str,
    meanings: list[str],
    everyone: Cause | None,
    suppress: bool,
) -> bool:
    """Say whether the list is to be read in another way than the one that was checked."""
    return (upload.source, upload.meanings, upload.everyone, upload.suppress) != (
        source,
        [str(meaning) for meaning in meanings],
        everyone or "",
        suppress,
    )


def run(upload: SubscriberImport, now: datetime) -> None:
    """Import the list as it was checked; raise SubscriberError if that has begun already."""
    if not _idle(upload, now).update(begun_at=now):
        raise SubscriberError(_HAS_BEGUN)
    try:
        with _list(upload) as path, tempfile.NamedTemporaryFile(suffix=".csv") as skipped:
            layout = _layout(upload, path)
            report = _import(upload, path, layout, now, refused_to=Path(skipped.name))
            upload.skipped = gzip.compress(Path(skipped.name).read_bytes(), 6)
    except BaseException:
        # What is stored so far is stored; importing again completes it.
        SubscriberImport.objects.filter(pk=upload.pk).update(begun_at=None)
        raise
    upload.report = upload.report | summarize(report)
    upload.content, upload.begun_at, upload.finished_at = b"", now, now
    SubscriberImport.objects.filter(pk=upload.pk).update(
        **{
            name: getattr(upload, name)
            for name in ("report", "skipped", "content", "begun_at", "finished_at")
        }
    )


def discard(upload: SubscriberImport, now: datetime) -> None:
    """Delete a list that nobody imports; raise SubscriberError if that has begun already."""
    if not _idle(upload, now).delete()[0]:
        raise SubscriberError(_HAS_BEGUN)


def skipped_rows(upload: SubscriberImport) -> bytes:
    """Return the rows that were not imported, as CSV."""
    return gzip.decompress(upload.skipped) if upload.skipped else b""


def delete_old(now: datetime) -> None:
    """Delete lists that nobody imported within a day, and old reports; none that is in work."""
    lists = SubscriberImport.objects.filter(_waiting(now), created_at__lt=now - KEEP_LIST)
    reports = SubscriberImport.objects.filter(created_at__lt=now - KEEP_REPORT)
    (lists | reports).delete()


def _idle(upload: SubscriberImport, now: datetime) -> QuerySet[SubscriberImport]:
    """Return the row of an import, unless a process has it or it is over."""
    return SubscriberImport.objects.filter(_waiting(now), pk=upload.pk)


def _waiting(now: datetime) -> Q:
    """Return the condition of imports that have not begun, or whose process died."""
    return Q(Q(begun_at=None) | Q(begun_at__lt=now - LONGEST_RUN), finished_at=None)


_COUNTS = ("rows", "added", "unchanged", "refused", "suppressed", "active_here", "flagged")


def summarize(report: Report) -> dict[str, Any]:
    """Return a report as it is stored: counts, causes, the first rows."""
    return {name: getattr(report, name) for name in _COUNTS} | {
        "odd": report.odd[:LISTED],
        "unread": [[heading, count] for heading, count in report.unread.most_common()],
        "causes": [[str(cause), count] for cause, count in report.causes.most_common()],
        "refusals": [[row.line, row.address, row.reason] for row in report.refusals[:LISTED]],
        "preview": [list(row) for row in report.preview],
        "delimiter": report.layout.delimiter,
        "encoding": report.layout.encoding,
    }


def _import(
    upload: SubscriberImport, path: Path, layout: Layout, now: datetime, **options: Any
) -> Report:
    return import_csv(
        path,
        upload.newsletter,
        consent=upload.consent,
        layout=layout,
        suppress=upload.suppress,
        now=now,
        **options,
    )


def _check(upload: SubscriberImport, path: Path, layout: Layout, now: datetime) -> None:
    report = _import(upload, path, layout, now, dry_run=True)
    columns = {"headings": [one_line(heading, LONGEST_NAME) for heading in layout.headings]}
    upload.report = summarize(report) | columns | {"examples": _examples(path, layout)}


def _examples(path: Path, layout: Layout) -> list[list[str]]:
    """Return the first different cells of each column."""
    rows = [row.cells for row in islice(read_rows(path, layout), 200)]
    examples: list[list[str]] = []
    for index in range(len(layout.headings)):
        cells = (one_line(row[index], _LONGEST_EXAMPLE) for row in rows if index < len(row))
        examples.append(list(islice(dict.fromkeys(cell for cell in cells if cell), EXAMPLES)))
    return examples


def _set_layout(upload: SubscriberImport, layout: Layout) -> None:
    upload.source, upload.everyone = layout.source, layout.everyone or ""
    upload.meanings = [str(meaning) for meaning in layout.meanings]


def _layout(upload: SubscriberImport, path: Path) -> Layout:
    layout = read_layout(path, name=upload.file_name, source=upload.source)
    everyone = Cause(upload.everyone) if upload.everyone else None
    return layout.with_meanings(upload.meanings, everyone)


@contextmanager
def _list(upload: SubscriberImport) -> Iterator[Path]:
    if not upload.content:
        raise ImportFileError("The list is not here any more. Upload it again.")
    with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
        with gzip.open(io.BytesIO(bytes(upload.content))) as stream:
            shutil.copyfileobj(stream, copy)
        copy.flush()
        yield Path(copy.name)
