"""`digest hold …`: whether mail is held, and letting it go out again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digest.core import clock
from digest.core.errors import DigestError
from digest.core.files import explain_reading
from digest.core.terminal import ActionCommand, Screen, add_flag
from digest.core.text import counted
from digest.installation import holds
from digest.installation.models import Hold
from digest.issues.models import Issue
from digest.recovery import releasing, settling
from digest.recovery.releasing import Review

if TYPE_CHECKING:
    from digest.recovery.missed_slots import MissedSlot

NOT_HELD = "Mail is not held."


class Command(ActionCommand):
    """Holding all mail."""

    help = "Hold all mail, as after a restore: show, begin, release."

    def add_actions(self) -> None:
        """Declare the actions."""
        self.reading("show", "whether mail is held, why, and what a release would do")
        self.changing("begin", "build no issue and send no mail until it is released")
        release = self.changing("release", "send mail again; what may have been sent is set aside")
        add_flag(release, "--yes", "`digest hold show` was read; required")
        add_flag(
            release,
            "--restored",
            "these data are those of a backup, though somebody asked for the hold",
        )
        add_flag(
            release,
            "--complete",
            "nothing was restored, these data are complete: what waited is sent",
        )

        settle = self.changing("settle", "record what was sent of a paused issue, by a log")
        settle.add_argument("id", type=int, help="of an issue that a release has paused")
        settle.add_argument(
            "--log",
            type=Path,
            metavar="FILE",
            required=True,
            help="Postfix's log, or a list of Message-IDs, as providers export it",
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
            "paused": [_issue_values(issue, reviewed) for issue in reviewed.pausing],
            "skipped": [_issue_values(issue, reviewed) for issue in reviewed.skipping],
            "marked": [_issue_values(issue, reviewed) for issue in reviewed.marking],
            "missed": [
                {
                    "newsletter": row.newsletter.slug,
                    "slot": row.slot,
                    "mails": reviewed.mails_of(row),
                }
                for row in reviewed.missed
            ],
            "dropped_notices": reviewed.notices,
            "left_out_steps": reviewed.steps,
            "unsubscribed": len(reviewed.evidence.unsubscribed),
            "suppressed": len(reviewed.evidence.suppressed),
            "log_until": reviewed.evidence.until,
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
        if options["restored"] and options["complete"]:
            raise DigestError("Data of a backup are not complete: use --restored or --complete.")
        released = releasing.release(
            hold, clock.now(), restored=options["restored"], complete=options["complete"]
        )
        values = {
            "held": False,
            "paused": [issue.pk for issue in released.pausing],
            "skipped": [issue.pk for issue in released.skipping],
            "marked": [issue.pk for issue in released.marking],
            "missed": len(released.missed),
            "dropped_notices": released.notices,
            "left_out_steps": released.steps,
            "unsubscribed": released.applied.unsubscribed,
            "suppressed": released.applied.suppressed,
            "erased": released.applied.erased,
        }
        self.answer(values, f"Mail goes out again. {released.summary}")

    def do_settle(self, options: dict[str, Any]) -> None:
        """Record by a log what was sent."""
        rows = Issue.objects.select_related("newsletter__publication")
        issue = rows.filter(pk=options["id"]).first()
        if issue is None:
            raise DigestError(f"There is no issue {options['id']}. `digest issue list` shows them.")
        with (
            explain_reading(options["log"], DigestError),
            options["log"].open(errors="replace") as lines,
        ):
            settled = settling.settle_by_log(issue, lines, clock.now())
        self.answer(
            {"issue": issue.pk, "listed": settled.listed, "recorded": settled.recorded},
            f"By the log, issue {issue.pk} has reached {counted(settled.listed, 'subscriber')}; "
            f"{settled.recorded:,} of them are recorded as sent now.\n"
            f"`digest issue resume {issue.pk}` sends it to the others, `cancel` to nobody.",
        )


def _issue_values(issue: Issue, reviewed: Review) -> dict[str, Any]:
    return {
        "id": issue.pk,
        "newsletter": issue.newsletter.slug,
        "slot": issue.slot,
        "mails": reviewed.mails_of(issue),
    }


def _describe(out: Screen, hold: Hold, reviewed: Review) -> None:
    out.print(f"Mail is held since {clock.format_moment(hold.began_at)}:")
    out.print(f"{hold.get_reason_display()}.")
    if not reviewed.is_empty:
        if hold.data_until:
            out.print(f"These data end at {clock.format_moment(hold.data_until)}.")
        out.print("May have been sent since; on release each is set aside:")
        out.print_table(("Newsletter", "Slot", "On release", "Mails sent"), _rows(reviewed))
        if reviewed.notices:
            out.print(f"Dropped: {counted(reviewed.notices, 'notice')} that waited.")
        if reviewed.steps:
            number = counted(reviewed.steps, "subscriber")
            out.print(f"Mails of series that were due to {number} are left out.")
        _describe_evidence(out, reviewed)
    out.print("`digest hold release --yes` sends mail again.")
    if hold.reason == Hold.Reason.MOVED:
        out.print(
            "With --complete nothing is set aside: if this is the database itself, moved here "
            "whole, or if Valkey and the data folder were lost while nothing ran."
        )


def _rows(reviewed: Review) -> Iterator[tuple[str, str, str, str]]:
    outcomes: tuple[tuple[str, Sequence[Issue | MissedSlot]], ...] = (
        ("is paused", reviewed.pausing),
        ("is skipped", reviewed.skipping),
        ("is skipped", reviewed.missed),
        ("is marked", reviewed.marking),
    )
    for outcome, rows in outcomes:
        for row in rows:
            mails = reviewed.mails_of(row)
            logged = "not known" if mails is None else f"{mails:,}"
            yield row.newsletter.slug, clock.format_moment(row.slot), outcome, logged


def _describe_evidence(out: Screen, reviewed: Review) -> None:
    evidence = reviewed.evidence
    if evidence.until is None:
        out.print("The log in the data folder has nothing of this time.")
        return
    out.print(
        f"The log in the data folder goes until {clock.format_moment(evidence.until)}: "
        f"{len(evidence.unsubscribed):,} unsubscribed and {len(evidence.suppressed):,} were "
        "suppressed. On release they are again."
    )
