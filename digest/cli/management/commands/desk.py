"""`digest desk …`: an issue before it goes out. What the console's desk does, at the terminal."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.core.management.base import CommandParser
from rich.console import Console

from digest.accounts.models import User
from digest.cli import lookup, numbers
from digest.cli.errors import AskedError
from digest.core import clock
from digest.core.terminal import ActionCommand, table
from digest.issues import approval, dispatching, editing
from digest.issues.models import Issue
from digest.sending import preflight
from digest.sending.preflight import Level


class Command(ActionCommand):
    """The desk."""

    help = "An issue before it goes out: check, approve, send, undo, skip, retract; start one."

    def add_actions(self) -> None:
        """Name the actions."""
        check = self._add("check", "look for what should be mended; status 1 if it must not go")
        check.add_argument("--offline", action="store_true", help="follow no link")
        self._by(self._add("approve", "say that it may go, as it is now"))
        send = self._add("send", "let it go to everyone, now or at a time")
        send.add_argument("--at", metavar="TIME", help="as in 2026-11-24T07:00+01:00")
        send.add_argument("--yes", action="store_true", required=True, help="to everyone")
        self._add("undo", "take `send` back, while nothing has left")
        self._add("skip", "let it not go out")
        retract = self._add("retract", "take a story back: it is in no mail sent from now on")
        retract.add_argument("story", type=numbers.some, help="its place, the first is 1")
        retract.add_argument("--note", default="", help="for the archive")
        start = self.action("start", "lay an issue outside the schedule on the desk")
        start.add_argument("newsletter", metavar="NEWSLETTER")
        start.add_argument("--article", action="append", default=[], metavar="URL")
        start.add_argument("--topic", action="append", default=[], help="only to who chose it")
        self._by(start)

    def _add(self, name: str, line: str) -> CommandParser:
        action = self.action(name, line)
        action.add_argument("id", type=numbers.some)
        return action

    def _by(self, action: CommandParser) -> None:
        action.add_argument("--as", dest="by", required=True, metavar="ADDRESS", help="who you are")

    def do_check(self, options: dict[str, Any]) -> None:
        """Say what should be looked at."""
        issue = lookup.issue(options["id"])
        found = preflight.examine(issue, clock.now(), network=not options["offline"])
        known = [
            {"level": one.level, "what": one.what, "advice": one.advice, "place": one.place}
            for one in found
        ]
        self.answer(known, lambda out: _say_findings(out, known))
        if any(one.level is Level.STOP for one in found):
            raise SystemExit(1)

    def do_approve(self, options: dict[str, Any]) -> None:
        """Approve."""
        issue = lookup.issue(options["id"])
        done = approval.approve(issue, issue.revision, _user(options["by"]), clock.now())
        by_hand = done.state == Issue.State.DRAFT
        when = "when it is sent" if by_hand else clock.format_moment(done.goes_at)
        self._answer(done, f"approved; it goes out {when}")

    def do_send(self, options: dict[str, Any]) -> None:
        """Send, after the seconds in which it can be undone."""
        issue, now = lookup.issue(options["id"]), clock.now()
        if options["at"]:
            done = dispatching.send_at(issue, issue.revision, _moment(options["at"]), now)
        else:
            done = dispatching.send_now(issue, issue.revision, now)
        said = (
            f"to go out {clock.format_moment(done.goes_at)}; until then: digest desk undo {done.pk}"
        )
        self._answer(done, said)

    def do_undo(self, options: dict[str, Any]) -> None:
        """Take it back."""
        done = dispatching.undo(lookup.issue(options["id"]), clock.now())
        self._answer(done, "held back: nobody has got it")

    def do_skip(self, options: dict[str, Any]) -> None:
        """Skip."""
        done = dispatching.skip(lookup.issue(options["id"]), clock.now())
        self._answer(done, "skipped")

    def do_retract(self, options: dict[str, Any]) -> None:
        """Take a story back."""
        issue = lookup.issue(options["id"])
        story = issue.stories.filter(position=options["story"] - 1).first()
        if story is None:
            raise AskedError(f"Issue {issue.pk} has no story {options['story']}.")
        editing.retract(issue, story.pk, options["note"], clock.now())
        self._answer(issue, f"without “{story.title}” from now on")

    def do_start(self, options: dict[str, Any]) -> None:
        """Start an issue by hand."""
        newsletter = lookup.newsletter(options["newsletter"])
        articles = [lookup.article(url) for url in options["article"]]
        done = dispatching.start(
            newsletter,
            uuid4().hex,
            _user(options["by"]),
            clock.now(),
            articles=articles,
            only_topics=options["topic"],
        )
        self._answer(done, f"on the desk. Next: digest desk send {done.pk} --yes")

    def _answer(self, issue: Issue, said: str) -> None:
        known = {
            "id": issue.pk,
            "newsletter": issue.newsletter.slug,
            "state": issue.state,
            "goes_at": issue.goes_at,
            "revision": issue.revision,
        }
        self.answer(known, f"Issue {issue.pk} is {said}.")


def _user(address: str) -> User:
    found = User.objects.filter(email__iexact=address, is_active=True).first()
    if found is None:
        raise AskedError(f"Nobody with an account is called {address}.")
    return found


def _moment(typed: str) -> datetime:
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError as problem:
        raise AskedError(f"--at {typed}: use a time like 2026-11-24T07:00+01:00.") from problem
    if moment.tzinfo is None:
        raise AskedError(f"--at {typed}: say the zone too, as in {typed}+01:00 or {typed}Z.")
    return moment


def _say_findings(out: Console, known: list[dict[str, Any]]) -> None:
    if not known:
        out.print("Nothing to mend.")
        return
    rows = [(one["level"], one["what"], one["advice"]) for one in known]
    out.print(table(("", "What", "What to do"), rows))
