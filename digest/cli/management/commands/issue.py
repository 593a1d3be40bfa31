"""`digest issue …`: issues that went out, go out, or did not."""

import math
from dataclasses import asdict
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Max, Min, QuerySet
from rich.console import Console

from digest.cli import lookup, numbers
from digest.cli.errors import AskedError
from digest.cli.following import count_facts, sum_up
from digest.core import addresses, clock
from digest.core.terminal import ActionCommand, facts, table
from digest.issues.models import Issue
from digest.newsletters.models import Cadence, Schedule
from digest.relays.models import Dispatch
from digest.sending import archiving, control, history, uncertain
from digest.sending.models import AnyDelivery, Delivery
from digest.sending.progress import pace, progress

# By the names that `--json` shows, with hyphens.
_STATES = {state.label.replace(" ", "-"): state for state in Dispatch.State}


class Command(ActionCommand):
    """Issues."""

    help = "Issues: list, show, deliveries, pause, resume, cancel; doubts, resolve, put-away."

    def add_actions(self) -> None:
        """Name the actions."""
        listing = self.action("list", "the latest issues")
        listing.add_argument("--newsletter", metavar="SLUG")
        listing.add_argument("--limit", type=numbers.some, default=20, help="how many (20)")
        self._add("show", "how far it is, what is in it, what was left out, and why")
        who = self._add("deliveries", "who got it, who did not, and why")
        who.add_argument("--state", choices=sorted(_STATES), help="those alone")
        who.add_argument("--limit", type=numbers.some, default=50, help="how many (50)")
        who.add_argument("--after", default="", metavar="PLACE", help="go on there")
        self._add("pause", "let nobody else receive it until it is resumed")
        self._add("resume", "go on with a paused issue")
        cancel = self._add("cancel", "stop it for good; who has it keeps it")
        cancel.add_argument("--reason", default="Cancelled from the command line.")

        self._add("doubts", "who is uncertain, and the Message-ID to look for in the relay's log")
        resolve = self._add("resolve", "say what became of those uncertain")
        how = resolve.add_mutually_exclusive_group(required=True)
        how.add_argument("--sent", action="store_true", help="the relay has them")
        how.add_argument("--resend", action="store_true", help="send them once more")
        how.add_argument("--failed", action="store_true", help="leave it at that")
        how.add_argument(
            "--log", type=Path, metavar="FILE", help="Postfix's log, or a list of Message-IDs"
        )
        resolve.add_argument("--to", default="", metavar="ADDRESS", help="one subscriber alone")
        resolve.add_argument(
            "--resend-others", action="store_true", help="with --log: whom it doesn't name"
        )
        away = self.action("put-away", "put old deliveries away now; workers do it by themselves")
        away.add_argument("--seconds", type=numbers.some, help="for so long at most")

    def _add(self, name: str, line: str) -> CommandParser:
        action = self.action(name, line)
        action.add_argument("id", type=numbers.some)
        return action

    def do_list(self, options: dict[str, Any]) -> None:
        """List issues, the newest first."""
        found = _latest(options["newsletter"])[: options["limit"]]
        known = [_issue_facts(issue) for issue in found]
        self.answer(known, lambda out: _say_list(out, known))

    def do_show(self, options: dict[str, Any]) -> None:
        """Show one issue."""
        issue = lookup.issue(options["id"])
        going = pace(issue, progress(issue), clock.now())
        known = _issue_facts(issue) | {"pace": asdict(going)} | _still_to_come(issue)
        known |= _contents(issue)
        self.answer(known, lambda out: _say_issue(out, issue, known))

    def do_deliveries(self, options: dict[str, Any]) -> None:
        """List an issue's deliveries, a page at a time."""
        issue = lookup.issue(options["id"])
        state = _STATES[options["state"]] if options["state"] else None
        page = history.of_issue(issue, state, options["after"], options["limit"])
        known = [_delivery_facts(one) for one in page.rows]
        told = {"deliveries": known, "next": page.next}
        self.answer(told, lambda out: _say_deliveries(out, known, page.next))

    def do_put_away(self, options: dict[str, Any]) -> None:
        """Put away what is old, until nothing is left or time is up."""
        with self.progress() as bar:
            task = bar.add_task("Putting away", total=None)
            done = archiving.put_away(
                clock.now(),
                options["seconds"] or math.inf,
                lambda done: bar.update(task, description=_moved(done)),
            )
        left = "Nothing is left to do." if done.finished else "There is more."
        self.answer(asdict(done), f"{_moved(done)}. {left}")

    def do_pause(self, options: dict[str, Any]) -> None:
        """Pause."""
        issue = lookup.issue(options["id"])
        control.pause(issue)
        self._answer_state(issue, "paused")

    def do_resume(self, options: dict[str, Any]) -> None:
        """Resume."""
        issue = lookup.issue(options["id"])
        control.resume(issue)
        self._answer_state(issue, "going out again")

    def do_cancel(self, options: dict[str, Any]) -> None:
        """Cancel."""
        issue = lookup.issue(options["id"])
        control.cancel(issue, options["reason"], clock.now())
        self._answer_state(issue, "cancelled")

    def do_doubts(self, options: dict[str, Any]) -> None:
        """List those uncertain."""
        known = [asdict(one) for one in uncertain.doubts(lookup.issue(options["id"]))]
        self.answer(known, lambda out: _say_doubts(out, known))

    def do_resolve(self, options: dict[str, Any]) -> None:
        """Resolve those uncertain."""
        issue, now = lookup.issue(options["id"]), clock.now()
        if options["log"]:
            if options["to"]:
                raise AskedError("--to goes with --sent, --resend or --failed, not with --log.")
            lines = lookup.lines(options["log"])
            sent, queued = uncertain.settle_by_log(
                issue, lines, now, resend=options["resend_others"]
            )
            self._answer_state(issue, f"resolved: {sent:,} sent, {queued:,} to send again")
            return
        if options["resend_others"]:
            raise AskedError("--resend-others goes with --log.")
        ways = {
            "sent": uncertain.settle_as_sent,
            "resend": uncertain.send_again,
            "failed": uncertain.give_up,
        }
        way = next(way for name, way in ways.items() if options[name])
        key = addresses.parse(options["to"]).key if options["to"] else ""
        self._answer_state(issue, f"resolved: {way(issue, now, key):,}")

    def _answer_state(self, issue: Issue, said: str) -> None:
        issue.refresh_from_db()
        counted = sum_up(progress(issue))
        self.answer(_issue_facts(issue), f"Issue {issue.pk} is {said}: {counted}.")


def _moved(done: archiving.Archived) -> str:
    return f"{done.put_away:,} deliveries put away, {done.discarded:,} deleted for good"


def _delivery_facts(one: AnyDelivery) -> dict[str, Any]:
    return {
        "id": one.id,
        "email": one.subscriber.email if one.subscriber else "",
        "state": one.get_state_display(),
        "at": one.at,
        "attempts": one.attempts,
        "reply": f"{one.reply_code or ''} {one.reply}".strip(),
    }


def _say_deliveries(out: Console, known: list[dict[str, Any]], after: str) -> None:
    if not known:
        out.print("There is none.")
        return
    rows = [
        (one["email"] or "(erased)", one["state"], clock.format_moment(one["at"]), one["reply"])
        for one in known
    ]
    out.print(table(("Subscriber", "State", "When", "Reply, or why not"), rows))
    if after:
        out.print(f"\nThere are more: --after {after}")


def _say_doubts(out: Console, known: list[dict[str, Any]]) -> None:
    if not known:
        out.print("Nobody is uncertain.")
        return
    rows = [(one["email"] or "(erased)", one["message_id"], one["reply"]) for one in known]
    out.print(table(("Subscriber", "Message-ID", "Why"), rows))


def _latest(slug: str | None) -> QuerySet[Issue]:
    issues = Issue.objects.select_related("newsletter__publication").order_by("-slot", "-pk")
    return issues.filter(newsletter=lookup.newsletter(slug)) if slug else issues


def _zone(issue: Issue) -> tzinfo:
    schedule = Schedule.objects.filter(newsletter=issue.newsletter_id).first()
    return clock.zone(schedule.timezone if schedule else issue.newsletter.publication.timezone)


def _issue_facts(issue: Issue) -> dict[str, Any]:
    counts = progress(issue)
    return {
        "id": issue.pk,
        "newsletter": issue.newsletter.slug,
        "slot": issue.slot,
        "slot_local": clock.format_moment(issue.slot, _zone(issue)),
        "kind": issue.kind,
        "cadence": issue.cadence,
        "state": issue.state,
        "reason": issue.reason,
        "subject": issue.subject,
        "progress": count_facts(counts),
        "built_at": issue.built_at,
        "planned_at": issue.planned_at,
        "finished_at": issue.finished_at,
    }


def _still_to_come(issue: Issue) -> dict[str, Any]:
    """Return between when those who wait are due: by zones, or because their servers deferred."""
    waiting = issue.deliveries.filter(state__in=[Delivery.State.QUEUED, Delivery.State.DEFERRED])
    return waiting.aggregate(due_from=Min("due_at"), due_until=Max("due_at"))


def _contents(issue: Issue) -> dict[str, Any]:
    return {
        "stories": [
            {
                "position": story.position,
                "section": story.section,
                "topics": story.topics,
                "title": story.title,
                "url": story.url,
                "reason": story.reason,
            }
            for story in issue.stories.all()
        ],
        "left_out": issue.left_out,
    }


def _say_list(out: Console, known: list[dict[str, Any]]) -> None:
    if not known:
        out.print("There is no issue yet. See what would be in one: digest preview NEWSLETTER")
        return
    rows = [
        (
            one["id"],
            one["newsletter"],
            _when(one),
            one["state"],
            f"{one['progress']['sent']:,} of {one['progress']['eligible']:,}",
            one["subject"] or one["reason"],
        )
        for one in known
    ]
    out.print(table(("Id", "Newsletter", "Slot", "State", "Sent", "Subject, or why not"), rows))


def _when(one: dict[str, Any]) -> str:
    every = one["cadence"] == Cadence.EVERY
    return str(one["slot_local"]) if every else f"{one['slot_local']}, {one['cadence']}"


def _say_issue(out: Console, issue: Issue, known: dict[str, Any]) -> None:
    zone = _zone(issue)
    out.print(
        facts(
            [
                ("Issue", f"{issue.pk} of {issue.newsletter.slug}, {issue.kind}"),
                ("Slot", known["slot_local"]),
                ("For", _audience(issue)),
                ("State", issue.get_state_display()),
                ("Reason", issue.reason),
                ("Subject", issue.subject),
                ("Built", clock.format_moment(issue.built_at, zone)),
                ("Planned", _maybe(issue.planned_at, zone)),
                ("Finished", _maybe(issue.finished_at, zone)),
                ("Subscribers", sum_up(progress(issue))),
                ("Pace", _pace(known["pace"], zone)),
                ("To come", _span(known["due_from"], known["due_until"], zone)),
            ]
        )
    )
    for heading, columns in {
        "Stories": ("Section", "Title", "Reason"),
        "Left out": ("Title", "Reason"),
    }.items():
        rows = known[heading.lower().replace(" ", "_")]
        if rows:
            out.print(f"\n{heading}")
            out.print(table(columns, ([row[name.lower()] for name in columns] for row in rows)))


def _pace(known: dict[str, Any], zone: tzinfo) -> str:
    if not known["per_second"]:
        return ""
    return f"{known['per_second']:,.1f} a second; done about {clock.format_moment(known['ends_at'], zone)}"


def _audience(issue: Issue) -> str:
    """Say whose issue it is, unless it is an issue like any other."""
    if issue.cadence == Cadence.EVERY:
        return ""
    return f"subscribers who receive it {issue.get_cadence_display()}"


def _span(first: datetime | None, last: datetime | None, zone: tzinfo) -> str:
    if not first or not last:
        return ""
    if first == last:
        return f"due {clock.format_moment(first, zone)}"
    return f"due from {clock.format_moment(first, zone)} to {clock.format_moment(last, zone)}"


def _maybe(at: datetime | None, zone: tzinfo) -> str:
    return clock.format_moment(at, zone) if at else ""
