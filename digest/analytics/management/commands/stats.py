"""`digest stats …`: how an issue, a newsletter, a publication or a sponsor did."""

from pathlib import Path
from typing import Any, TypeVar

from django.core.management.base import CommandParser
from django.db.models import Model, QuerySet

from digest.analytics.statistics.issues import issue_report
from digest.analytics.statistics.newsletters import newsletter_report
from digest.analytics.statistics.publications import summarize
from digest.analytics.statistics.sheets import Sheet
from digest.analytics.statistics.sponsors import sponsor_report
from digest.analytics.statistics.tables import (
    issue_sheets,
    newsletter_sheets,
    sponsor_sheets,
    summary_sheets,
)
from digest.analytics.statistics.totals import Numbers
from digest.analytics.statistics.values import number_values
from digest.core import clock
from digest.core.errors import DigestError
from digest.core.files import explain_writing
from digest.core.terminal import ActionCommand, Screen, details_table
from digest.core.text import counted, percent
from digest.issues.models import Issue
from digest.newsletters.models import Appeal, Newsletter, Publication

_MOST_ROWS = 20  # of a table on the screen


DAYS = range(1, 3651)

Row = TypeVar("Row", bound=Model)


class StatisticsError(DigestError):
    """There is no such report, or it cannot be written."""


class Command(ActionCommand):
    """Statistics."""

    help = "Show how an issue, a newsletter, a publication or a sponsor did."

    def add_actions(self) -> None:
        """Declare the actions."""
        issue = self.reading("issue", "clicks by people, links, the first 48 hours")
        issue.add_argument("id", type=int, metavar="ISSUE")
        newsletter = self.reading("newsletter", "its issues, best subjects and times, growth")
        newsletter.add_argument("slug", metavar="NEWSLETTER")
        publication = self.reading("publication", "its newsletters in the last days")
        publication.add_argument("slug", metavar="PUBLICATION")
        appeal = self.reading("appeal", "impressions and clicks of an appeal or a sponsor")
        appeal.add_argument("id", type=int, metavar="APPEAL")
        for parser in (newsletter, publication):
            parser.add_argument(
                "--days", type=int, choices=DAYS, default=30, metavar="DAYS", help="period (30)"
            )
        for parser in (issue, newsletter, publication, appeal):
            _add_csv(parser)

    def do_issue(self, options: dict[str, Any]) -> None:
        """Show the report of an issue."""
        rows = Issue.objects.select_related("newsletter__publication")
        issue = _find(rows.filter(pk=options["id"]), f"issue {options['id']}")
        report = issue_report(issue, clock.now())
        self._show(options, issue_sheets(report), report.numbers)

    def do_newsletter(self, options: dict[str, Any]) -> None:
        """Show the report of a newsletter."""
        rows = Newsletter.objects.select_related("publication")
        newsletter = _find(rows.filter(slug=options["slug"]), f"newsletter {options['slug']!r}")
        report = newsletter_report(newsletter, clock.now(), options["days"])
        self._show(options, newsletter_sheets(report), report.together)

    def do_publication(self, options: dict[str, Any]) -> None:
        """Show how a publication did."""
        named = Publication.objects.filter(slug=options["slug"])
        publication = _find(named, f"publication {options['slug']!r}")
        rows = Newsletter.objects.filter(publication=publication).order_by("slug")
        summary = summarize(list(rows), clock.now(), options["days"])
        self._show(options, summary_sheets(summary, publication.timezone), summary.numbers)

    def do_appeal(self, options: dict[str, Any]) -> None:
        """Show the report of an appeal or a sponsor."""
        rows = Appeal.objects.select_related("publication")
        appeal = _find(rows.filter(pk=options["id"]), f"appeal {options['id']}")
        self._show(options, sponsor_sheets(sponsor_report(appeal, clock.now())))

    def _show(
        self, options: dict[str, Any], sheets: list[Sheet], together: Numbers | None = None
    ) -> None:
        """Write files if a folder is named; print the tables."""
        if options["csv"]:
            _write(options["csv"], sheets)
        values: dict[str, Any] = {sheet.name: sheet.values() for sheet in sheets}
        if together:
            values["numbers"] = number_values(together)
        self.answer(values, lambda out: _print(out, sheets, together))


def _find(rows: QuerySet[Row], name: str) -> Row:
    if row := rows.first():
        return row
    raise StatisticsError(f"There is no {name}.")


def _add_csv(parser: CommandParser) -> None:
    parser.add_argument(
        "--csv", type=Path, metavar="FOLDER", help="also write each table as a CSV file there"
    )


def _write(folder: Path, sheets: list[Sheet]) -> None:
    if not folder.is_dir():
        raise StatisticsError(f"{folder} is not a folder.")
    for sheet in sheets:
        path = folder / f"{sheet.name}.csv"
        with explain_writing(path, StatisticsError):
            path.write_bytes(sheet.csv().encode())


def _print(out: Screen, sheets: list[Sheet], together: Numbers | None) -> None:
    if together:
        out.print(details_table(_lines(together)))
    for sheet in sheets:
        out.print(f"\n{sheet.title}")
        columns = [column.label for column in sheet.columns]
        out.print_table(columns, sheet.written()[:_MOST_ROWS], sheet.empty)
        if len(sheet.rows) > _MOST_ROWS:
            out.print(
                f"{counted(len(sheet.rows) - _MOST_ROWS, 'more row')}: --csv FOLDER or --json"
            )


def _lines(together: Numbers) -> list[tuple[str, str]]:
    clicked = f"{together.clickers:,} ({percent(together.click_rate)} of delivered)"
    return [
        ("Delivered", f"{together.delivered:,}"),
        ("People who clicked", clicked),
        ("Clicks", f"{together.clicks:,}; {together.filtered:,} by machines are filtered out"),
        ("Unsubscribes", f"{together.unsubscribes:,}"),
        ("Bounces", f"{together.bounces:,}"),
        ("Complaints", f"{together.complaints:,}"),
    ]
