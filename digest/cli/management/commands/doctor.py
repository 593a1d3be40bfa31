"""`digest doctor`: say whether this installation is fit to send."""

import sys
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from digest.core import clock
from digest.core.findings import Finding, Level
from digest.core.terminal import DigestCommand, printable
from digest.doctor import checks
from digest.doctor.senders import senders
from digest.doctor.signing import signing
from digest.relays.probe import relay

_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


class Command(DigestCommand):
    """Ask everything that has to be right before mail goes out."""

    audited = False
    help = "Say whether this installation is fit to send, and what to mend if it is not."

    def run(self, _options: dict[str, Any]) -> None:
        """Ask; exit with status 1 if anything fails."""
        findings = list(checks.examine(clock.now(), (relay, senders, signing)))
        fit = all(finding.level is not Level.FAIL for finding in findings)
        self.answer(
            {"fit": fit, "findings": [asdict(finding) for finding in findings]},
            lambda out: _say(out, findings, fit=fit),
        )
        if not fit:
            sys.exit(1)


def _say(out: Console, findings: list[Finding], *, fit: bool) -> None:
    for finding in findings:
        line = Text(f"{finding.level.value:<6}", style=_STYLES[finding.level])
        out.print(line.append(printable(finding.what), style="default"))
        if finding.advice:
            out.print(Text(f"      {finding.advice}"))
    warned = sum(finding.level is Level.WARN for finding in findings)
    remark = f", with {warned} warning{'s'[: warned > 1]}" if warned else ""
    out.print(f"\nFit to send{remark}." if fit else "\nNot fit to send yet.")
