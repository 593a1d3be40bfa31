"""`digest hold …`: whether mail is held, and letting it go out again."""

from typing import Any

from digest.core import clock
from digest.core.errors import DigestError
from digest.core.terminal import ActionCommand, Screen
from digest.installation import holds
from digest.installation.models import Hold
from digest.issues.models import Issue
from digest.recovery import releasing

NOT_HELD = "Mail is not held."


class Command(ActionCommand):
    """Holding all mail."""

    help = "Hold all mail, as after a restore: show, begin, release."

    def add_actions(self) -> None:
        """Declare the actions."""
        self.reading("show", "whether mail is held, why, and what a release would do")
        self.changing("begin", "build no issue and send no mail until it is released")
        release = self.changing("release", "send mail again; what may have been sent is set aside")
        release.add_argument(
            "--yes", action="store_true", help="`digest hold show` was read; required"
        )
        release.add_argument(
            "--restored",
            action="store_true",
            help="these data are those of a backup, though somebody asked for the hold",
        )

    def do_show(self, _options: dict[str, Any]) -> None:
        """Show the hold."""
        hold, now = holds.current(), clock.now()
        if hold is None:
            self.answer({"held": False}, NOT_HELD)
            return
        reviewed = releasing.review(hold, now)
        values = {
            "held": True,
            "reason": hold.reason,
            "since": hold.began_at,
            "data_until": hold.data_until,
            "paused": [_issue_values(issue) for issue in reviewed.pausing],
            "skipped": [_issue_values(issue) for issue in reviewed.skipping],
            "marked": [_issue_values(issue) for issue in reviewed.marking],
            "missed": [
                {"newsletter": row.newsletter.slug, "slot": row.slot} for row in reviewed.missed
            ],
            "dropped_notices": reviewed.notices,
        }
        self.answer(values, lambda out: _describe(out, hold, reviewed))

    def do_begin(self, _options: dict[str, Any]) -> None:
        """Hold mail."""
        hold = holds.current() or holds.begin(Hold.Reason.REQUESTED, clock.now())
        self.answer({"held": True, "reason": hold.reason}, "Mail is held from now on.")

    def do_release(self, options: dict[str, Any]) -> None:
        """Release mail."""
        hold = holds.current()
        if hold is None:
            self.answer({"held": False}, NOT_HELD)
            return
        if not options["yes"]:
            raise DigestError("Read `digest hold show` first, then add --yes.")
        released = releasing.release(hold, clock.now(), restored=options["restored"])
        values = {
            "held": False,
            "paused": [issue.pk for issue in released.pausing],
            "skipped": [issue.pk for issue in released.skipping],
            "marked": [issue.pk for issue in released.marking],
            "missed": len(released.missed),
            "dropped_notices": released.notices,
        }
        self.answer(values, f"Mail goes out again. {released.summary}")


def _issue_values(issue: Issue) -> dict[str, Any]:
    return {"id": issue.pk, "newsletter": issue.newsletter.slug, "slot": issue.slot}


def _describe(out: Screen, hold: Hold, reviewed: releasing.Review) -> None:
    out.print(f"Mail is held since {clock.format_moment(hold.began_at)}:")
    out.print(f"{hold.get_reason_display()}.")
    if not reviewed.is_empty:
        if hold.data_until:
            out.print(f"These data end at {clock.format_moment(hold.data_until)}.")
        rows = [
            (newsletter.slug, clock.format_moment(slot), outcome)
            for outcome, places in (
                ("is paused", [(row.newsletter, row.slot) for row in reviewed.pausing]),
                ("is skipped", [(row.newsletter, row.slot) for row in reviewed.skipping]),
                ("is skipped", [(row.newsletter, row.slot) for row in reviewed.missed]),
                ("is marked", [(row.newsletter, row.slot) for row in reviewed.marking]),
            )
            for newsletter, slot in places
        ]
        out.print("May have been sent since; on release each is set aside:")
        out.print_table(("Newsletter", "Slot", "On release"), rows)
        if reviewed.notices:
            out.print(f"{reviewed.notices:,} notices that waited are dropped.")
    out.print("`digest hold release --yes` sends mail again.")
