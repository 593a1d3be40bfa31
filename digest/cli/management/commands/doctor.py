"""`digest doctor`: check whether this installation is ready to send."""

import sys
from typing import Any

from rich.text import Text

from digest.core import clock
from digest.core.findings import Finding, Level
from digest.core.terminal import DigestCommand, Screen, printable
from digest.doctor.checks import run_checks

_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


class Command(DigestCommand):
    """Check everything that has to be right before mail is sent."""

    audited = False
    help = "Check whether this installation is ready to send, and say what to correct."

    def run(self, _options: dict[str, Any]) -> None:
        """Run all checks; exit with status 1 if one fails."""
        findings = list(run_checks(clock.now()))
        fit = all(finding.level is not Level.FAIL for finding in findings)
        self.answer(
            {"fit": fit, "findings": [finding._asdict() for finding in findings]},
            lambda out: _print_findings(out, findings, fit=fit),
        )
        if not fit:
            sys.exit(1)


def _print_findings(out: Screen, findings: list[Finding], *, fit: bool) -> None:
    for finding in findings:
        line = Text(f"{finding.level.value:<6}", style=_STYLES[finding.level])
        out.print(line.append(printable(finding.summary), style="default"))
        if finding.advice:
            out.print(Text(f"      {finding.advice}"))
        if finding.record:
            out.print(Text(f"      {finding.record}"))
    warned = sum(finding.level is Level.WARN for finding in findings)
    remark = f", with {warned} warning{'s'[: warned > 1]}" if warned else ""
    out.print(f"\nFit to send{remark}." if fit else "\nNot fit to send yet.")
