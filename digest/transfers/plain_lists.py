"""A list from any other system: how it is read, which a person can correct, and importing it.

    read            an upload as it is understood; refuses what is not a list
    read_otherwise  as a person corrected it
    run             a dry run, or the import, and its report

How it is read is stored with its transfer: the source, what each column means, and the state of
everybody in it. Everything else of a transfer is as with an export (`queue`).
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from digest.core.text import one_line
from digest.newsletters.models import Newsletter
from digest.subscribers.attributes import attributes_of
from digest.subscribers.importing import Report, import_csv
from digest.subscribers.importing.causes import Cause
from digest.subscribers.importing.layout import Layout, read_layout
from digest.subscribers.importing.profile_cells import match_attributes
from digest.subscribers.importing.rows import read_rows
from digest.subscribers.models import LONGEST_NAME
from digest.transfers import contents
from digest.transfers.models import Transfer

Reading = dict[str, Any]  # `source`, `meanings` and `everyone`, as in `layout.Layout`

LISTED = 50  # refused rows, and look-alikes, in a summary
EXAMPLES = 3  # cells of a column
_LONGEST_EXAMPLE = 60


def read(path: Path, name: str, newsletter: Newsletter) -> Reading:
    """Return how a list is read; raise ImportFileError for what is not a list."""
    layout = read_layout(path, name=name)
    return _reading(match_attributes(layout, attributes_of(newsletter.publication_id)))


def read_otherwise(transfer: Transfer, reading: Reading) -> Reading:
    """Return how a list is read as a person wants it; another source brings its own meanings.

    Raises ImportFileError where they make no sense.
    """
    with tempfile.NamedTemporaryFile() as copy:
        contents.write(transfer, Path(copy.name))
        if reading["source"] == transfer.reading["source"]:
            return _reading(_layout(Path(copy.name), transfer.file_name, reading))
        layout = read_layout(
            Path(copy.name), name=transfer.file_name, source=reading["source"], everyone=None
        )
    layout = replace(layout, everyone=_everyone(reading))
    return _reading(match_attributes(layout, attributes_of(transfer.newsletter.publication_id)))


def run(
    path: Path,
    transfer: Transfer,
    *,
    now: datetime,
    dry_run: bool,
    skipped_to: Path | None,
    on_progress: Callable[[float], None],
) -> dict[str, Any]:
    """Import the list of a transfer, or say what an import would do; return what happened.

    `on_progress` gets the share that is done, from 0 to 1. See `import_csv` for errors.
    """
    layout = _layout(path, transfer.file_name, transfer.reading)
    report = import_csv(
        path,
        transfer.newsletter,
        consent=transfer.consent,
        layout=layout,
        suppress=transfer.suppress,
        now=now,
        dry_run=dry_run,
        refused_to=skipped_to,
        on_progress=lambda done, size: on_progress(done / size if size else 1),
    )
    headings = [one_line(heading, LONGEST_NAME) for heading in layout.headings]
    return summarize(report) | {"headings": headings, "examples": _examples(path, layout)}


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


def _examples(path: Path, layout: Layout) -> list[list[str]]:
    """Return the first different cells of each column."""
    rows = [row.cells for row in islice(read_rows(path, layout), 200)]
    examples: list[list[str]] = []
    for index in range(len(layout.headings)):
        cells = (one_line(row[index], _LONGEST_EXAMPLE) for row in rows if index < len(row))
        examples.append(list(islice(dict.fromkeys(cell for cell in cells if cell), EXAMPLES)))
    return examples


def _reading(layout: Layout) -> Reading:
    return {
        "source": layout.source,
        "meanings": [str(meaning) for meaning in layout.meanings],
        "everyone": layout.everyone or "",
    }


def _layout(path: Path, name: str, reading: Reading) -> Layout:
    layout = read_layout(path, name=name, source=reading["source"])
    return layout.with_meanings(reading["meanings"], _everyone(reading))


def _everyone(reading: Reading) -> Cause | None:
    return Cause(reading["everyone"]) if reading["everyone"] else None
