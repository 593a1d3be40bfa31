"""`digest clicks …`: which clicks are people's."""

from typing import Any

from digest.analytics import judging
from digest.analytics.filtering import Filtering, count_reasons
from digest.analytics.models import IssueTotals
from digest.analytics.verdicts.reasons import EXPLANATIONS, name_of
from digest.cli import lookup
from digest.core import clock
from digest.core.terminal import ActionCommand, Screen
from digest.core.text import counted


class Command(ActionCommand):
    """Clicks and opens."""

    help = "Clicks and opens: why they were filtered; judge them again, by today's rules."

    def add_actions(self) -> None:
        """Declare the actions."""
        rejudge = self.changing("rejudge", "judge all clicks and opens of an issue again")
        explain = self.reading("explain", "show why hits of an issue were filtered")
        for action in (rejudge, explain):
            action.add_argument(
                "id", type=int, metavar="ISSUE", help="its number: digest issue list"
            )

    def do_explain(self, options: dict[str, Any]) -> None:
        """Show how many hits have which verdict, and which reasons."""
        issue = lookup.issue(options["id"])
        filtering = count_reasons(issue.pk)
        values = {
            "issue": issue.pk,
            "verdicts": {verdict.label: hits for verdict, hits in filtering.verdicts.items()},
            "reasons": [
                {"reason": name_of(reason), "meaning": EXPLANATIONS[reason], "hits": hits}
                for reason, hits in filtering.reasons
            ],
        }
        self.answer(values, lambda screen: _print(screen, filtering))

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


def _print(screen: Screen, filtering: Filtering) -> None:
    numbers = (f"{hits:,} {verdict.label}" for verdict, hits in filtering.verdicts.items())
    screen.print(f"Hits that are kept: {', '.join(numbers)}. One may have several reasons:")
    for reason, hits in filtering.reasons:
        screen.print(f"{hits:>9,}  {EXPLANATIONS[reason]}")
