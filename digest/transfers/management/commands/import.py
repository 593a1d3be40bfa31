"""`digest import FILE …`: come from another service, with its export or its API."""

import getpass
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from digest.core import clock
from digest.core.terminal import DigestCommand, Screen, add_flag
from digest.core.text import counted
from digest.newsletters.models import Newsletter
from digest.transfers import packing, remote
from digest.transfers.errors import TransferError
from digest.transfers.models import Transfer
from digest.transfers.options import Options
from digest.transfers.reporting import Report
from digest.transfers.running import run_transfer
from digest.transfers.services import SERVICES, WITH_API, service_of

MOST_ROWS = 20  # skipped rows on the screen
KEY_VARIABLE = "DIGEST_IMPORT_KEY"


class Command(DigestCommand):
    """Import an export, or what a service's API has."""

    audited = True
    help = (
        "Bring subscribers and past issues from Mailchimp, Substack, Ghost, listmonk, Buttondown, "
        "beehiiv or MailPoet: from its export (zip, CSV, JSON), or with --from from its API, whose "
        f"key is asked for or read from {KEY_VARIABLE}."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take files or a service, a newsletter, and what comes in."""
        super().add_arguments(parser)
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
        parser.add_argument("--newsletter", metavar="SLUG", required=True)
        parser.add_argument(
            "--consent", default="", help="how and when they agreed, kept as evidence"
        )
        parser.add_argument("--from", dest="service", choices=WITH_API, help="fetch from its API")
        parser.add_argument("--url", default="", help="of the service, where it is your own site")
        parser.add_argument(
            "--list", default="", metavar="NAME", help="of several lists or newsletters there"
        )
        parser.add_argument(
            "--issues",
            choices=Transfer.Issues.values,
            default=Transfer.Issues.PUBLIC.value,
            help="which past issues go into the archive",
        )
        add_flag(parser, "--affirm", "affirm what the export itself does not say")
        add_flag(
            parser, "--no-suppress", "do not suppress those who left, bounced or complained there"
        )
        add_flag(parser, "--dry-run", "report only; change nothing")
        parser.add_argument(
            "--report", type=Path, metavar="FILE", help="write skipped rows there, as CSV"
        )

    def is_audited(self, options: dict[str, Any]) -> bool:
        """Record what changes something."""
        return not options["dry_run"]

    def run(self, options: dict[str, Any]) -> None:
        """Import, or say what an import would do."""
        newsletter = _newsletter(options["newsletter"])
        if bool(options["files"]) == bool(options["service"]):
            raise TransferError("Name the files of an export, or a service with --from.")
        with tempfile.TemporaryDirectory() as folder, self.progress() as progress:
            path = Path(folder) / "export.zip"
            bar = progress.add_task("Reading", total=1.0)
            self._provide(options, path)
            report = run_transfer(
                path,
                newsletter,
                _options(options),
                now=clock.now(),
                dry_run=options["dry_run"],
                skipped_to=options["report"],
                on_progress=lambda share: progress.update(bar, completed=share),
            )
        values = report.values() | {"dry_run": options["dry_run"]}
        self.answer(values, lambda out: _print(out, report, options))

    def _provide(self, options: dict[str, Any], path: Path) -> None:
        """Write the export to a path: what was named, or what the API has."""
        if options["service"]:
            service, key = options["service"], self._key(options["service"])
            url = options["url"] or SERVICES[service].api
            remote.fetch_all(service, url, key, options["list"], path)
            return
        for file in options["files"]:
            if not file.is_file():
                raise TransferError(f"There is no file {file}.")
        packing.pack([(file, file.name) for file in options["files"]], path)

    def _key(self, service: str) -> str:
        """Return the key, which is never an argument: those are seen by all on the machine."""
        if key := os.environ.get(KEY_VARIABLE, ""):
            return key
        if self.json or not sys.stdin.isatty():
            raise TransferError(f"Set {KEY_VARIABLE} to the key. {SERVICES[service].key_hint}")
        return getpass.getpass(f"Key of {SERVICES[service].name}: ")


def _newsletter(slug: str) -> Newsletter:
    row = Newsletter.objects.select_related("publication").filter(slug=slug).first()
    if row is None:
        raise TransferError(
            f"There is no newsletter {slug!r}. `digest newsletter list` shows those that there are."
        )
    return row


def _options(options: dict[str, Any]) -> Options:
    return Options(
        consent=options["consent"],
        list_name="" if options["service"] else options["list"],
        issues=options["issues"],
        suppress=not options["no_suppress"],
        affirmed=options["affirm"],
    )


def _print(out: Screen, report: Report, options: dict[str, Any]) -> None:
    out.print(f"Exported from {service_of(report.service).name}.")
    if report.question and not options["affirm"]:
        out.print(
            f"Nobody is added, because the export does not say who left. If this is true, add "
            f"--affirm: “{report.question}”"
        )
    if options["dry_run"]:
        out.print("Nothing has been changed. An import would do this:")
    for row in report.lists:
        out.print(
            f"{row.name}: {counted(row.rows, 'row')}: {row.added:,} added, "
            f"{row.unchanged:,} unchanged, {row.refused:,} skipped, {row.suppressed:,} suppressed."
        )
        for cause, count in row.causes.most_common():
            out.print(f"  {count:,} {cause}")
        rows = [refusal[:3] for refusal in row.refusals[:MOST_ROWS]]
        if rows:
            out.print_table(("Line", "Address", "Skipped because"), rows)
    issues = report.issues
    out.print(f"Past issues: {issues.added:,} added, {issues.unchanged:,} unchanged.")
    for reason, count in issues.reasons.most_common():
        out.print(f"  {count:,} stay behind: {reason}")
    for remark in report.remarks:
        out.print(f"- {remark}")
    if options["report"]:
        out.print(f"All skipped rows are in {options['report']}.")
