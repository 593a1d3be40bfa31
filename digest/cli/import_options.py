"""What can be said of an import at the terminal, and what `digest subscriber import` prints."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from digest.cli.errors import UsageError
from digest.core.terminal import Screen, add_flag
from digest.core.text import counted
from digest.subscribers.importing import Report
from digest.subscribers.importing.causes import STATES, SUPPRESSIBLE, Cause
from digest.subscribers.importing.headings import PERSON, Meaning
from digest.subscribers.importing.sources import SOURCES

MOST_ROWS = 20  # refused rows on the screen
ACTIVE = "active"


def add_to(parser: CommandParser) -> None:
    """Add the options."""
    parser.add_argument("file", type=Path)
    parser.add_argument("--newsletter", metavar="SLUG", required=True)
    parser.add_argument(
        "--consent", default="", help="how and when they agreed, kept as evidence (else asked)"
    )
    add_flag(parser, "--dry-run", "report only; change nothing")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write refused rows there")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        help=f"{', '.join(Meaning)} or attribute.KEY; to a heading or a number",
    )
    parser.add_argument(
        "--from",
        dest="source",
        choices=sorted(SOURCES),
        help="the system that exported the file (else recognised by its columns)",
    )
    parser.add_argument(
        "--everyone",
        choices=[ACTIVE, *(cause.value.replace(" ", "-") for cause in STATES)],
        help="what everybody in the file is (else by its name, as in cleaned_export.csv)",
    )
    add_flag(
        parser,
        "--suppress",
        "suppress those that the file says unsubscribed, bounced, complained, are blocked "
        "or deleted",
    )


def read(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options as `import_csv` takes them."""
    values: dict[str, Any] = {
        "mapping": [_mapped(text) for text in options["map"]],
        "source": options["source"],
        "suppress": options["suppress"],
        "dry_run": options["dry_run"],
    }
    if everyone := options["everyone"]:
        values["everyone"] = None if everyone == ACTIVE else Cause(everyone.replace("-", " "))
    return values


def values(report: Report) -> dict[str, Any]:
    """Return the report for JSON."""
    layout = report.layout
    return {
        "dry_run": report.dry_run,
        "rows": report.rows,
        "added": report.added,
        "unchanged": report.unchanged,
        "refused": report.refused,
        "causes": dict(report.causes.most_common()),
        "suppressed": report.suppressed,
        "active_here": report.active_here,
        "flagged": report.flagged,
        "look_alikes": report.odd,
        "unread": dict(report.unread),
        "source": layout.source,
        "everyone": layout.everyone,
        "columns": dict(layout.titles),
        "meanings": [
            {"column": heading, "meaning": meaning}
            for heading, meaning in zip(layout.headings, layout.meanings, strict=True)
        ],
        "encoding": layout.encoding,
        "delimiter": layout.delimiter,
        "preview": [row._asdict() for row in report.preview],
        "refusals": [refusal._asdict() for refusal in report.refusals],
    }


def print_report(out: Screen, report: Report, file: Path | None) -> None:
    """Print how the file was read, and what happened to its rows (in a dry run: would happen)."""
    _print_layout(out, report)
    if not report.rows:
        out.print("The file holds a heading and no rows.")
        return
    if report.dry_run:
        out.print_table(("Line", "Address", "Name", "Outcome"), report.preview)
        out.print("\nNothing has been changed. An import would do this:")
    out.print(
        f"{counted(report.rows, 'row')}: {report.added:,} added, {report.unchanged:,} unchanged, "
        f"{report.refused:,} refused."
    )
    for cause, count in report.causes.most_common():
        out.print(f"  {count:,} {cause}")
    _print_stops(out, report)
    if report.flagged:
        out.print(
            f"{report.flagged:,} taken whose addresses mix alphabets, as look-alikes do; look at "
            f"them: {', '.join(report.odd[:MOST_ROWS])}"
        )
    for heading, count in report.unread.most_common():
        out.print(f"{counted(count, 'cell')} of {heading!r} left out: not of the attribute's type.")
    if report.refusals:
        out.print()
        rows = [refusal[:3] for refusal in report.refusals[:MOST_ROWS]]
        out.print_table(("Line", "Address", "Refused because"), rows)
    if file:
        out.print(f"All refused rows are in {file}.")
    elif report.refused > MOST_ROWS:
        out.print("For all of them run it again with --report FILE; it adds nobody twice.")


def _print_layout(out: Screen, report: Report) -> None:
    layout = report.layout
    columns = ", ".join(f"{field} from {title!r}" for field, title in layout.titles.items())
    out.print(f"Read as {layout.encoding}, cells parted by {layout.delimiter!r}: {columns}.")
    if layout.source:
        out.print(f"Exported from {SOURCES[layout.source].name}.")
    if layout.states:
        read_columns = ", ".join(
            f"{column.heading!r} ({column.reading})" for column in layout.states
        )
        out.print(f"Who may be mailed, from {read_columns}.")
    if layout.everyone:
        out.print(
            f"The file's name says that everybody in it is {layout.everyone}. If that is wrong: "
            f"--everyone {ACTIVE}."
        )
    unread = [
        heading
        for heading, meaning in zip(layout.headings, layout.meanings, strict=True)
        if meaning not in PERSON and meaning in {Meaning.OTHER, Meaning.IGNORED}
    ]
    if unread:
        out.print(f"Not read: {', '.join(unread)}.")


def _print_stops(out: Screen, report: Report) -> None:
    """Say what became of those whom the list itself says must not be mailed."""
    if report.suppressed:
        out.print(f"{report.suppressed:,} of the refused suppressed for this newsletter.")
    elif any(cause in report.causes for cause in SUPPRESSIBLE):
        out.print("To suppress those who left, bounced or complained, add --suppress.")
    if report.active_here:
        out.print(
            f"{report.active_here:,} of those that the file says must not be mailed are active "
            "subscribers here."
        )


def _mapped(text: str) -> tuple[str, str]:
    field, equals, column = text.partition("=")
    if not equals:
        raise UsageError(f"--map {text!r}: write FIELD=COLUMN, as in email=Contact.")
    return field.strip(), column.strip()
