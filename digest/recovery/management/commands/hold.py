"""`digest hold …`: whether mail is held, and letting it go out again."""

from typing import Any

from digest.core import clock
from digest.core.errors import DigestError
from digest.core.terminal import ActionCommand, Screen
from digest.installation import holds
from digest.installation.models import Hold
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

    def do_show(self, _options: dict[str, Any]) -> None:
        """Show the hold."""
        hold, now = holds.current(), clock.now()
        if hold is None:
            self.answer({"held": False}, NOT_HELD)
            return
        sets_aside = hold.reason != Hold.Reason.REQUESTED
        interrupted = list(releasing.find_interrupted()) if sets_aside else []
        missed = list(releasing.find_missed(hold, now))
        facts = {
            "held": True,
            "reason": hold.reason,
            "since": hold.began_at,
            "data_until": hold.data_until,
            "interrupted": [
                {"id": issue.pk, "newsletter": issue.newsletter.slug, "slot": issue.slot}
                for issue in interrupted
            ],
            "missed": [{"newsletter": row.newsletter.slug, "slot": row.slot} for row in missed],
        }

        def describe(out: Screen) -> None:
            out.print(f"Mail is held since {clock.format_moment(hold.began_at)}:")
            out.print(f"{hold.get_reason_display()}.")
            if hold.data_until and sets_aside:
                out.print(f"These data end at {clock.format_moment(hold.data_until)}.")
            rows = [
                (issue.newsletter.slug, clock.format_moment(issue.slot), "is paused")
                for issue in interrupted
            ] + [
                (row.newsletter.slug, clock.format_moment(row.slot), "is skipped") for row in missed
            ]
            if rows:
                out.print("May have been sent since; on release each is set aside:")
                out.print_table(("Newsletter", "Slot", "On release"), rows)
            out.print("`digest hold release --yes` sends mail again.")

        self.answer(facts, describe)

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
        released = releasing.release(hold, clock.now())
        facts = {
            "held": False,
            "paused": [issue.pk for issue in released.paused],
            "skipped": [issue.pk for issue in released.skipped],
            "dropped_notices": released.dropped_notices,
        }
        self.answer(facts, f"Mail goes out again. {released.summary}")
