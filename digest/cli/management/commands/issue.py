"""`digest issue …`: create, check, approve, send and stop issues, and see who received them."""

import math
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from digest.cli import issue_report, lookup, numbers
from digest.cli.errors import UsageError
from digest.cli.following import sum_up
from digest.core import addresses, clock
from digest.core.terminal import ActionCommand, AddAction, add_flag
from digest.core.text import counted
from digest.issues import approval, creating, retracting, scheduling, skipping
from digest.issues.models import Issue
from digest.newsletters.publicity.archive_access import ArchiveAccess
from digest.relays.models import Dispatch
from digest.sending import archiving, control, history, preflight, public_archive, uncertain
from digest.sending.progress import pace, progress

# By the names that `--json` shows, with hyphens.
_STATES = {state.label.replace(" ", "-"): state for state in Dispatch.State}


class Command(ActionCommand):
    """Issues, from creation to who received them."""

    help = "Create, check, approve, send, stop and list issues, and see who received them."

    def add_actions(self) -> None:
        """Declare the actions: first those before an issue goes out, then those after."""
        self._add_editing()
        self._add_sending()
        self._add_results()

    def _add_editing(self) -> None:
        create = self.changing("create", "create an issue outside the schedule, as a draft")
        create.add_argument("newsletter", metavar="NEWSLETTER")
        create.add_argument(
            "--article", action="append", default=[], metavar="URL", help="instead of the latest"
        )
        create.add_argument(
            "--topic", action="append", default=[], help="only for subscribers of this topic"
        )
        add_flag(create, "--whole", "the whole text of one article, for breaking news")
        self._add_user(create)
        check = self._add(self.reading, "check", "run the preflight checks; status 1 if one fails")
        add_flag(check, "--offline", "do not follow links")
        self._add_user(self._add(self.changing, "approve", "approve an issue as it is now"))
        skip = self._add(self.changing, "skip", "do not send this issue")
        skip.add_argument("--reason", default="Skipped from the command line.")
        self._add(self.changing, "restore", "send a skipped issue after all, or make it a draft")

    def _add_sending(self) -> None:
        send = self._add(self.changing, "send", "send an issue to everyone, now or at a time")
        send.add_argument("--at", metavar="TIME", help="for example 2026-11-24T07:00+01:00")
        add_flag(send, "--yes", "confirm", required=True)
        self._add(self.changing, "undo", "stop a send that has not begun")
        self._add(self.changing, "unschedule", "make a scheduled issue a draft")
        self._add(self.changing, "pause", "stop sending until the issue is resumed")
        self._add(self.changing, "resume", "continue with a paused issue")
        cancel = self._add(self.changing, "cancel", "stop for good; mails already sent remain")
        cancel.add_argument("--reason", default="Cancelled from the command line.")
        retract = self._add(self.changing, "retract", "remove a story from mails not sent yet")
        retract.add_argument("story", type=numbers.positive, help="its position, from 1")
        retract.add_argument("--note", default="", help="text for the archive")

        access = self._add(self.changing, "access", "say who may read an issue in the archive")
        access.add_argument("access", choices=("newsletter", *ArchiveAccess.values))

    def _add_results(self) -> None:
        listing = self.reading("list", "list the latest issues")
        listing.add_argument("--newsletter", metavar="SLUG")
        listing.add_argument(
            "--limit", type=numbers.positive, default=20, help="at most so many (20)"
        )
        self._add(self.reading, "show", "show progress, stories, and what was left out")
        deliveries = self._add(self.reading, "deliveries", "list the recipients, with SMTP replies")
        deliveries.add_argument("--state", choices=sorted(_STATES), help="only in this state")
        deliveries.add_argument("--limit", type=numbers.positive, default=50, help="page size (50)")
        deliveries.add_argument("--after", default="", metavar="CURSOR", help="the next page")
        self._add(self.reading, "uncertain", "list deliveries whose SMTP reply was lost")
        resolve = self._add(self.changing, "resolve", "settle deliveries that are uncertain")
        outcome = resolve.add_mutually_exclusive_group(required=True)
        add_flag(outcome, "--sent", "the mail server has them")
        add_flag(outcome, "--resend", "send them again")
        add_flag(outcome, "--failed", "record them as failed")
        outcome.add_argument(
            "--log", type=Path, metavar="FILE", help="Postfix's log, or a list of Message-IDs"
        )
        resolve.add_argument("--to", default="", metavar="ADDRESS", help="only this subscriber's")
        add_flag(resolve, "--resend-others", "with --log: send again what it lacks")
        archive = self.reading("archive", "archive old deliveries now; workers do so themselves")
        archive.add_argument("--seconds", type=numbers.positive, help="stop after so long")

    def _add(self, add: AddAction, name: str, summary: str) -> CommandParser:
        action = add(name, summary)
        action.add_argument("id", type=numbers.row_id)
        return action

    def _add_user(self, action: CommandParser) -> None:
        action.add_argument(
            "--as", dest="user", required=True, metavar="ADDRESS", help="your account"
        )

    # --- before it goes out ------------------------------------------------------------

    def do_create(self, options: dict[str, Any]) -> None:
        """Create a draft of chosen articles, or of the latest ones."""
        newsletter = lookup.newsletter(options["newsletter"])
        publication_id = newsletter.publication_id
        issue = creating.create_issue(
            newsletter,
            uuid4().hex,
            lookup.user(options["user"]),
            clock.now(),
            articles=[lookup.article(url, publication_id) for url in options["article"]],
            only_topics=options["topic"],
            whole=options["whole"],
        )
        self._answer(issue, f"created as a draft. Next: digest issue send {issue.pk} --yes")

    def do_check(self, options: dict[str, Any]) -> None:
        """Run the preflight checks."""
        issue = lookup.issue(options["id"])
        results = preflight.examine(issue, clock.now(), network=not options["offline"])
        values = issue_report.preflight_values(issue, results)
        self.answer(values, lambda out: issue_report.print_preflight(out, values))
        if not results.is_ready:
            raise SystemExit(1)

    def do_approve(self, options: dict[str, Any]) -> None:
        """Approve."""
        issue = lookup.issue(options["id"])
        approved = approval.approve(
            issue, issue.revision, lookup.user(options["user"]), clock.now()
        )
        if not approved.approved_hash:
            self._answer(approved, "needs the approval of somebody else who changed it, too.")
            return
        waits = approved.state == Issue.State.DRAFT
        moment = "when you send it" if waits else clock.format_moment(approved.goes_at)
        self._answer(approved, f"approved; it goes out {moment}.")

    def do_skip(self, options: dict[str, Any]) -> None:
        """Skip."""
        issue = lookup.issue(options["id"])
        outcome = f"skipped. To send it after all: digest issue restore {issue.pk}"
        self._answer(skipping.skip(issue, clock.now(), options["reason"]), outcome)

    def do_restore(self, options: dict[str, Any]) -> None:
        """Restore a skipped issue."""
        issue = skipping.restore(lookup.issue(options["id"]), clock.now())
        moment = clock.format_moment(issue.goes_at)
        if not issue.goes_by_itself:
            outcome = f"a draft again. Next: digest issue send {issue.pk} --yes"
        elif issue.state == Issue.State.BUILT:
            outcome = f"scheduled again; it goes out {moment}."
        else:
            outcome = f"a draft again; it goes out {moment} if it is approved."
        self._answer(issue, outcome)

    def do_send(self, options: dict[str, Any]) -> None:
        """Send, after the seconds in which it can be undone."""
        issue, now = lookup.issue(options["id"]), clock.now()
        if options["at"]:
            sent = scheduling.send_at(issue, issue.revision, _moment(options["at"]), now)
        else:
            sent = scheduling.send_now(issue, issue.revision, now)
        moment = clock.format_moment(sent.goes_at)
        if sent.state == Issue.State.DRAFT:
            self._answer(sent, f"going out {moment} if it is approved.")
            return
        self._answer(sent, f"going out {moment}. Until then: digest issue undo {sent.pk}")

    def do_undo(self, options: dict[str, Any]) -> None:
        """Undo a send that has not begun."""
        issue = scheduling.undo(lookup.issue(options["id"]), clock.now())
        self._answer(issue, "not going out; nobody has received it.")

    def do_unschedule(self, options: dict[str, Any]) -> None:
        """Make a scheduled issue a draft."""
        issue = scheduling.unschedule(lookup.issue(options["id"]), clock.now())
        self._answer(issue, f"a draft. Next: digest issue send {issue.pk} --yes")

    def do_retract(self, options: dict[str, Any]) -> None:
        """Retract a story."""
        issue = lookup.issue(options["id"])
        story = issue.stories.filter(position=options["story"] - 1).first()
        if story is None:
            raise UsageError(f"Issue {issue.pk} has no story {options['story']}.")
        retracting.retract(issue, story.pk, options["note"], clock.now())
        self._answer(issue, f"now without “{story.title}”.")

    # --- while it goes out -------------------------------------------------------------

    def do_pause(self, options: dict[str, Any]) -> None:
        """Pause."""
        issue = lookup.issue(options["id"])
        control.pause(issue)
        self._answer_progress(issue, "paused")

    def do_resume(self, options: dict[str, Any]) -> None:
        """Resume."""
        issue = lookup.issue(options["id"])
        control.resume(issue)
        self._answer_progress(issue, "going out again")

    def do_cancel(self, options: dict[str, Any]) -> None:
        """Cancel."""
        issue = lookup.issue(options["id"])
        control.cancel(issue, options["reason"], clock.now())
        self._answer_progress(issue, "cancelled")

    # --- what came of it ---------------------------------------------------------------

    def do_list(self, options: dict[str, Any]) -> None:
        """List issues, the newest first."""
        issues = _latest_issues(options["newsletter"])[: options["limit"]]
        values = [issue_report.issue_values(issue) for issue in issues]
        self.answer(values, lambda out: issue_report.print_issues(out, values))

    def do_show(self, options: dict[str, Any]) -> None:
        """Show one issue."""
        issue = lookup.issue(options["id"])
        values = issue_report.issue_values(issue) | issue_report.waiting_values(issue)
        values |= {"pace": asdict(pace(issue, progress(issue), clock.now()))}
        values |= issue_report.content_values(issue)
        self.answer(values, lambda out: issue_report.print_issue(out, issue, values))

    def do_deliveries(self, options: dict[str, Any]) -> None:
        """List an issue's deliveries, a page at a time."""
        issue = lookup.issue(options["id"])
        state = _STATES[options["state"]] if options["state"] else None
        page = history.of_issue(issue, state, options["after"], options["limit"])
        values = [issue_report.delivery_values(delivery) for delivery in page.rows]
        self.answer(
            {"deliveries": values, "next": page.next},
            lambda out: issue_report.print_deliveries(out, values, page.next),
        )

    def do_uncertain(self, options: dict[str, Any]) -> None:
        """List the uncertain deliveries."""
        deliveries = uncertain.uncertain_deliveries(lookup.issue(options["id"]))
        values = [asdict(delivery) for delivery in deliveries]
        self.answer(values, lambda out: issue_report.print_uncertain(out, values))

    def do_resolve(self, options: dict[str, Any]) -> None:
        """Settle the uncertain deliveries."""
        issue, now = lookup.issue(options["id"]), clock.now()
        if options["log"]:
            self._resolve_by_log(issue, options)
            return
        if options["resend_others"]:
            raise UsageError("--resend-others goes with --log.")
        settlers = {
            "sent": uncertain.mark_sent,
            "resend": uncertain.resend,
            "failed": uncertain.mark_failed,
        }
        settle = next(settle for name, settle in settlers.items() if options[name])
        address_key = addresses.parse(options["to"]).key if options["to"] else ""
        self._answer_progress(issue, f"resolved: {settle(issue, now, address_key):,}")

    def _resolve_by_log(self, issue: Issue, options: dict[str, Any]) -> None:
        if options["to"]:
            raise UsageError("--to goes with --sent, --resend or --failed, not with --log.")
        sent, queued = uncertain.settle_by_log(
            issue, lookup.lines(options["log"]), clock.now(), resend=options["resend_others"]
        )
        self._answer_progress(issue, f"resolved: {sent:,} sent, {queued:,} to send again")

    def do_access(self, options: dict[str, Any]) -> None:
        """Say who may read an issue in the archive."""
        issue = lookup.issue(options["id"])
        access = options["access"]
        public_archive.set_access(issue, "" if access == "newsletter" else access)
        self._answer(issue, f"readable in the archive by: {issue.readable_by.label.lower()}.")

    def do_archive(self, options: dict[str, Any]) -> None:
        """Archive old deliveries until none is left or the time is up."""
        with self.progress() as bar:
            task = bar.add_task("Archiving", total=None)
            archived = archiving.archive_deliveries(
                clock.now(),
                options["seconds"] or math.inf,
                lambda so_far: bar.update(task, description=_archived(so_far)),
            )
        rest = "Nothing is left to archive." if archived.finished else "More is left."
        self.answer(asdict(archived), f"{_archived(archived)}. {rest}")

    def _answer(self, issue: Issue, outcome: str) -> None:
        self.answer(issue_report.issue_values(issue), f"Issue {issue.pk} is {outcome}")

    def _answer_progress(self, issue: Issue, outcome: str) -> None:
        issue.refresh_from_db()
        self._answer(issue, f"{outcome}: {sum_up(progress(issue))}.")


def _latest_issues(slug: str | None) -> QuerySet[Issue]:
    issues = Issue.objects.filter(Issue.REGULAR).order_by("-slot", "-pk")
    issues = issues.select_related("newsletter__publication")
    return issues.filter(newsletter=lookup.newsletter(slug)) if slug else issues


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as problem:
        raise UsageError(f"--at {text}: use a time like 2026-11-24T07:00+01:00.") from problem
    if moment.tzinfo is None:
        raise UsageError(f"--at {text}: add the time zone, as in {text}+01:00 or {text}Z.")
    return moment


def _archived(archived: archiving.ArchiveResult) -> str:
    number = counted(archived.archived, "delivery", "deliveries")
    return f"{number} archived, {archived.deleted:,} deleted"
