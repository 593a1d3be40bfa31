"""`digest experiment …`: other subjects or lead stories, tried on a share of the subscribers."""

from typing import Any

from django.core.management.base import CommandParser

from digest.accounts.models import User
from digest.analytics.errors import ExperimentError
from digest.analytics.experiments import deciding, reporting
from digest.analytics.experiments.reporting import Report
from digest.core import clock
from digest.core.terminal import ActionCommand, AddAction, Screen
from digest.issues.experiments import variants
from digest.issues.models import Issue


class Command(ActionCommand):
    """Experiments of issues."""

    help = "Try other subjects or lead stories on a share of an issue's subscribers."

    def add_actions(self) -> None:
        """Declare the actions."""
        self._add(self.reading, "show", "show the variants, and how they do")
        setting = self._add(self.changing, "set", "try other subjects, or other lead stories")
        tried = setting.add_mutually_exclusive_group(required=True)
        tried.add_argument("--subject", action="append", default=[], help="another subject")
        tried.add_argument(
            "--lead",
            action="append",
            type=int,
            default=[],
            metavar="STORY",
            help="another story that stands first: its position, from 2",
        )
        setting.add_argument("--share", type=int, default=20, help="per cent of subscribers (20)")
        setting.add_argument(
            "--minutes", type=int, default=120, help="for which clicks are counted (120)"
        )
        _add_user(setting)
        ending = self._add(self.changing, "end", "end it now, and choose what the rest gets")
        ending.add_argument("variant", type=int, help="0: the issue as it is")
        _add_user(ending)
        _add_user(self._add(self.changing, "remove", "try nothing"))

    def _add(self, add: AddAction, name: str, summary: str) -> CommandParser:
        action = add(name, summary)
        action.add_argument("id", type=int, metavar="ISSUE")
        return action

    def do_show(self, options: dict[str, Any]) -> None:
        """Show the experiment of an issue."""
        self._show(_issue(options["id"]))

    def do_set(self, options: dict[str, Any]) -> None:
        """Set what an issue tries."""
        issue = _issue(options["id"])
        variants.save(
            issue,
            None,
            _user(options["user"]),
            subjects=options["subject"],
            leads=[_story(issue, position) for position in options["lead"]],
            share=options["share"],
            minutes=options["minutes"],
        )
        self._show(issue)

    def do_end(self, options: dict[str, Any]) -> None:
        """End an experiment early."""
        issue = _issue(options["id"])
        deciding.choose(issue, options["variant"], _user(options["user"]), clock.now())
        self._show(issue)

    def do_remove(self, options: dict[str, Any]) -> None:
        """Remove an experiment that has not begun."""
        issue = _issue(options["id"])
        variants.remove(issue, None, _user(options["user"]))
        self.answer({"issue": issue.pk}, f"Issue {issue.pk} tries nothing.")

    def _show(self, issue: Issue) -> None:
        report = reporting.report_of(issue)
        if report is None:
            raise ExperimentError(f"Issue {issue.pk} has no experiment.")
        self.answer(reporting.values_of(report), lambda screen: _print(screen, report))


def _print(screen: Screen, report: Report) -> None:
    screen.print(report.status)
    for row in report.variants:
        line = f"  {row.number}  {row.label}"
        if report.experiment.has_begun:
            line += f": {row.clickers:,} of {row.mails:,} clicked"
        if row.best_percent is not None:
            line += f", best with {row.best_percent:.1f} %"
        screen.print(line + (", winner" if row.is_winner else ""))


def _add_user(action: CommandParser) -> None:
    action.add_argument("--as", dest="user", required=True, metavar="ADDRESS", help="your account")


def _issue(pk: int) -> Issue:
    row = Issue.objects.select_related("newsletter__publication").filter(pk=pk).first()
    if row is None:
        raise ExperimentError(f"There is no issue {pk}. `digest issue list` shows the latest.")
    return row


def _story(issue: Issue, position: int) -> int:
    story = issue.stories.filter(position=position - 1).first()
    if story is None:
        raise ExperimentError(f"Issue {issue.pk} has no story {position}.")
    return story.pk


def _user(address: str) -> User:
    row = User.objects.with_address(address).filter(is_active=True).first()
    if row is None:
        raise ExperimentError(
            f"There is no account for {address}. Owners invite people under Team."
        )
    return row
