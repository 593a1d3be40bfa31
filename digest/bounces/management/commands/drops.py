"""`digest drops …`: where mail of a newsletter does far worse than before."""

from typing import Any

from digest.bounces.drops.detecting import summary_of
from digest.bounces.models import Drop
from digest.core import clock
from digest.core.terminal import ActionCommand, add_flag
from digest.reputation.recipients.providers import name_of

MOST = 100


class Command(ActionCommand):
    """Drops."""

    help = "Drops: where mail of a newsletter does far worse than it did before."

    def add_actions(self) -> None:
        """Name the actions."""
        rows = self.reading("list", "those that are not over, the newest first")
        rows.add_argument("newsletter", nargs="?", default="", metavar="NEWSLETTER")
        add_flag(rows, "--all", "those that are over, too")

    def do_list(self, options: dict[str, Any]) -> None:
        """List drops."""
        rows = Drop.objects.select_related("newsletter").order_by("-noticed_at", "-pk")
        if options["newsletter"]:
            rows = rows.filter(newsletter__slug=options["newsletter"])
        if not options["all"]:
            rows = rows.filter(ended_at=None)
        drops = list(rows[:MOST])
        cells = [
            (
                row.newsletter.slug,
                name_of(row.destination),
                summary_of(row),
                clock.format_moment(row.noticed_at),
                clock.format_moment(row.ended_at) if row.ended_at else "not over",
            )
            for row in drops
        ]
        columns = ("Newsletter", "At", "What", "Noticed", "Ended")
        self.answer(
            [_values(row) for row in drops],
            lambda out: out.print_table(columns, cells, "There is no drop."),
        )


def _values(row: Drop) -> dict[str, Any]:
    names = ("destination", "kind", "mails", "share", "usual_share", "noticed_at", "ended_at")
    return {name: getattr(row, name) for name in names} | {
        "newsletter": row.newsletter.slug,
        "issue": row.issue_id,
    }
