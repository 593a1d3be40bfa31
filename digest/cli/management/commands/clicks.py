"""`digest clicks …`: which clicks are people's."""

from typing import Any

from digest.analytics import judging
from digest.analytics.models import IssueTotals
from digest.cli import lookup
from digest.core import clock
from digest.core.terminal import ActionCommand
from digest.core.text import counted


class Command(ActionCommand):
    """Clicks and opens."""

    help = "Clicks and opens: judge those of an issue again, by today's rules and networks."

    def add_actions(self) -> None:
        """Declare the actions."""
        rejudge = self.changing("rejudge", "judge all clicks and opens of an issue again")
        rejudge.add_argument("id", type=int, metavar="ISSUE", help="its number: digest issue list")

    def do_rejudge(self, options: dict[str, Any]) -> None:
        """Judge again, and say what has changed."""
        issue = lookup.issue(options["id"])
        number = judging.rejudge(issue.pk, clock.now())
        row = IssueTotals.objects.filter(pk=issue.pk).values().first()
        totals: dict[str, Any] = dict(row or {})
        self.answer(
            {"issue": issue.pk, "changed": number, "totals": totals},
            f"Issue {issue.pk}: {counted(number, 'verdict')} changed. "
            f"Clicks: {totals.get('clicks', 0):,} by people, "
            f"{totals.get('machine_clicks', 0):,} by machines, "
            f"{totals.get('uncertain_clicks', 0):,} uncertain.",
        )
