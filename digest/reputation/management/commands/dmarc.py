"""`digest dmarc …`: reports of receivers about who sends in our name."""

from pathlib import Path
from typing import Any

from digest.core import clock
from digest.core.files import explain_reading
from digest.core.terminal import ActionCommand
from digest.core.text import percent
from digest.reputation.dmarc import receiving, sources, storing
from digest.reputation.dmarc.receiving import ReceiveResult
from digest.reputation.errors import ReputationError


class Command(ActionCommand):
    """DMARC reports."""

    help = "DMARC aggregate reports: import files, list who sends in your name."

    def add_actions(self) -> None:
        """Declare the actions."""
        take = self.changing("import", "store reports: mails, .xml, .xml.gz or .zip")
        take.add_argument("files", metavar="FILE", nargs="+", type=Path)
        rows = self.reading("list", "who sends in the name of your domains")
        rows.add_argument("--days", type=int, default=30, metavar="DAYS", help="default: 30")

    def do_import(self, options: dict[str, Any]) -> None:
        """Store the reports of files; those about other domains are left out."""
        now, total = clock.now(), ReceiveResult()
        for path in options["files"]:
            received = receiving.receive(_content(path), now)
            total.stored += received.stored
            total.repeated += received.repeated
            total.foreign += received.foreign
            total.problems += [f"{path}: {problem}" for problem in received.problems]
            if not received.reports and not received.problems:
                total.problems.append(f"{path}: it holds no report.")
        values = {
            "stored": total.stored,
            "repeated": total.repeated,
            "foreign": total.foreign,
            "problems": total.problems,
        }
        if total.problems and not total.reports:
            raise ReputationError(" ".join(total.problems))
        summary = (
            f"{total.stored:,} stored, {total.repeated:,} were stored before, {total.foreign:,} "
            "about domains that no publication sends from."
        )
        self.answer(values, "\n".join([summary, *total.problems]))

    def do_list(self, options: dict[str, Any]) -> None:
        """List sources."""
        domains = storing.reported_domains()
        rows = sources.sources_of(domains, clock.now(), options["days"])
        values = [
            {
                "source": row.name,
                "standing": row.standing.value,
                "mails": row.mails,
                "passed": row.passed,
                "dkim": row.dkim,
                "spf": row.spf,
                "stopped": row.stopped,
                "addresses": list(row.addresses),
            }
            for row in rows
        ]
        columns = ("Source", "Is", "Mails", "Pass", "DKIM", "SPF", "Stopped", "From")
        cells = [
            (
                row.name,
                row.standing.value,
                f"{row.mails:,}",
                percent(row.pass_share),
                f"{row.dkim:,}",
                f"{row.spf:,}",
                f"{row.stopped:,}",
                ", ".join(row.addresses),
            )
            for row in rows
        ]
        empty = "There are no reports of this period."
        self.answer(values, lambda out: out.print_table(columns, cells, empty))


def _content(path: Path) -> bytes:
    with explain_reading(path, ReputationError):
        if path.stat().st_size > receiving.LARGEST:
            raise ReputationError(f"{path} is larger than {receiving.LARGEST // 1_000_000} MB.")
        return path.read_bytes()
