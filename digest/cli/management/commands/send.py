"""`digest send NEWSLETTER`: an issue to everyone now, or a test to one address."""

import sys
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from digest.accounts.models import User
from digest.cli import following, lookup
from digest.cli.errors import UsageError
from digest.core import addresses, clock, jobs
from digest.core.terminal import DigestCommand, add_flag
from digest.core.text import counted
from digest.issues import approval, building, scheduling
from digest.issues.models import Issue
from digest.newsletters.choices import Approval
from digest.newsletters.models import Newsletter
from digest.sending.progress import Progress, progress
from digest.sending.proofs import send_test
from digest.subscribers.audience import audience_of, eligible

NOTHING_TO_SEND = 3  # exit status


class Command(DigestCommand):
    """Send an issue outside the schedule."""

    audited = True
    help = (
        "Build an issue of what is new and send it to everyone now, or a test to one address. "
        "Exit status 3: there was nothing to send."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a newsletter, and whether to ask and to wait."""
        super().add_arguments(parser)
        parser.add_argument("newsletter", metavar="NEWSLETTER")
        parser.add_argument("--to", metavar="ADDRESS", help="send a test to this address alone")
        add_flag(parser, "--wait", "until it is done")
        add_flag(parser, "--yes", "send without asking")
        parser.add_argument(
            "--as",
            dest="user",
            metavar="ADDRESS",
            help="your account, which approves the issue if it has to be approved",
        )

    def run(self, options: dict[str, Any]) -> None:
        """Send a test, or the issue."""
        newsletter = lookup.newsletter(options["newsletter"])
        if options["to"] is not None:
            self._test(newsletter, options["to"])
            return
        approver = _approver(newsletter, options["user"])
        if not options["yes"]:
            self._confirm(newsletter)
        issue = _build(newsletter, approver)
        if issue.state == Issue.State.SKIPPED:
            self.answer(_issue_values(issue), f"Nothing was sent. {issue.reason}")
            sys.exit(NOTHING_TO_SEND)
        if options["wait"]:
            self._wait(issue)
            return
        self.answer(
            _issue_values(issue),
            f"Issue {issue.pk} is on its way. How far: digest issue show {issue.pk}",
        )

    def _test(self, newsletter: Newsletter, email: str) -> None:
        address = addresses.parse(email)
        reply = send_test(newsletter, address, clock.now())
        self.answer(
            {"to": address.email, "code": reply.code, "reply": reply.text},
            f"A test is on its way to {address.email}. The relay said: {reply.code} {reply.text}",
        )

    def _confirm(self, newsletter: Newsletter) -> None:
        """Go on only with a person's yes."""
        now = clock.now()
        subscribers = eligible(newsletter.pk, now, audience_of(newsletter, now)).count()
        if not subscribers:
            raise UsageError(
                f"Nobody would receive it. Add subscribers: digest subscriber add ADDRESS "
                f"--newsletter {newsletter.slug} --confirmed"
            )
        if self.json or not sys.stdin.isatty():
            raise UsageError(
                f"This sends to {counted(subscribers, 'subscriber')}. Say so with --yes."
            )
        answer = input(
            f"Send {newsletter.name} to {counted(subscribers, 'subscriber')} now? [y/N] "
        )
        if answer.strip().lower() not in {"y", "yes"}:
            raise UsageError("Nothing was sent.")

    def _wait(self, issue: Issue) -> None:
        with self.progress() as bar:
            task = bar.add_task("Sending", total=None)
            counts = following.follow(
                issue,
                show=lambda now: bar.update(
                    task, completed=now.settled, total=now.eligible or None
                ),
                note=self.stderr.write,
            )
        issue.refresh_from_db()
        self.answer(_issue_values(issue), f"Issue {issue.pk}: {_outcome(issue, counts)}")
        if issue.state != Issue.State.SENT:
            sys.exit(1)


def _approver(newsletter: Newsletter, address: str | None) -> User | None:
    """Return whose approval the issue gets; None if it needs none."""
    if newsletter.approval == Approval.NONE:
        return None
    if address is None:
        raise UsageError(
            f"Issues of {newsletter.slug} have to be approved, so nothing was sent. Approve this "
            f"one with --as ADDRESS (your account), or send without approval from now on: digest "
            f"newsletter set {newsletter.slug} --approval none"
        )
    return lookup.user(address)


@transaction.atomic
def _build(newsletter: Newsletter, approver: User | None) -> Issue:
    """Build the issue of this moment, have it approved if it must be, and nudge the planners."""
    now = clock.now()
    issue = building.build(newsletter, now, now, kind=Issue.Kind.MANUAL)
    if approver and issue.state == Issue.State.DRAFT:
        approved = approval.approve(issue, issue.revision, approver, now)
        return scheduling.send_now(approved, approved.revision, now)
    if issue.state == Issue.State.BUILT:
        jobs.enqueue(jobs.PLAN_ISSUES)
    return issue


def _outcome(issue: Issue, counts: Progress) -> str:
    parts = [f"{issue.get_state_display()}.", issue.reason, f"{following.sum_up(counts)}."]
    return " ".join(filter(None, parts))


def _issue_values(issue: Issue) -> dict[str, Any]:
    counts = progress(issue)
    return {
        "issue": issue.pk,
        "state": issue.state,
        "reason": issue.reason,
        "progress": following.progress_values(counts),
    }
