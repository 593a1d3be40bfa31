"""What every `digest …` command shares: `--json`, clear errors, tables, progress.

A subclass sets `help`, adds arguments, and writes `run`, which parses its input, makes one call
into the house, and hands the answer to `self.answer`. A command of several actions is an
`ActionCommand`, with one method for each.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date, time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, OperationalError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from digest.core.errors import DigestError

if TYPE_CHECKING:
    from argparse import _ActionsContainer  # what parsers and their groups have in common

UNREACHABLE = (
    "PostgreSQL cannot be reached: {}\n"
    "If this is a local installation, start it with `digest up`; "
    "otherwise check DIGEST_DATABASE_URL."
)
OUTDATED = "The database is not up to date: {}\nRun `digest migrate` first."

# Django's own options, which our commands take and don't speak of.
_QUIET = {"version", "verbosity", "settings", "pythonpath", "traceback", "no_color"}
_QUIET |= {"force_color", "skip_checks"}
_WIDE = 400  # columns of a line that no person looks at: nothing is folded in a pipe


AddAction = Callable[[str, str], CommandParser]  # an action's name and summary to its parser


class Screen(Console):
    """A console on which what strangers wrote stays text: no markup, no control characters."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Take a line as it is, but for what would steer the terminal."""
        return super().render_str(printable(text), **options)

    def print_table(
        self, columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str = ""
    ) -> None:
        """Print rows under quiet headings; cell text is shown as it is, never as markup.

        Without rows the sentence `empty` is printed instead, if there is one.
        """
        rows = list(rows)
        if empty and not rows:
            self.print(empty)
            return
        grid = Table(*columns, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            grid.add_row(*(Text("" if cell is None else printable(str(cell))) for cell in row))
        self.print(grid)


class DigestCommand(BaseCommand):
    """A command of `digest`.

    `audited` says whether the audit log records that it ran: True where it changes something. Each
    command declares it, so that a new one cannot be forgotten.
    """

    requires_system_checks: list[str] = []
    audited: ClassVar[bool]
    json = False

    def is_audited(self, options: dict[str, Any]) -> bool:  # noqa: ARG002  actions differ
        """Return whether the audit log records this call."""
        return self.audited

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Make the parser; its help tells of our options alone."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        for action in parser._actions:  # noqa: SLF001  argparse has no other way to reach them
            if action.dest in _QUIET:
                action.help = argparse.SUPPRESS
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--json`; subclasses call this for each of their sub-parsers too."""
        # No default: a sub-parser's would undo what was said before the action's name.
        add_flag(parser, "--json", "answer in JSON", default=argparse.SUPPRESS)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run, and turn every error that a person can mend into one clear line, exit status 1."""
        self.json = bool(options.get("json"))
        try:
            self.run(options)
        except DigestError as problem:
            raise CommandError(str(problem)) from problem
        except Error as problem:
            if explanation := database_trouble(problem):
                raise CommandError(explanation) from problem
            raise

    def run(self, options: dict[str, Any]) -> None:
        """Do the command's work."""
        raise NotImplementedError

    def answer(self, values: Any, say: Callable[[Screen], None] | str) -> None:
        """Print `values` as JSON if asked for, otherwise what `say` says to a person."""
        if self.json:
            self.stdout.write(json.dumps(values, default=_plain, ensure_ascii=False, indent=2))
        elif isinstance(say, str):
            self.stdout.write(say)
        else:
            console = self.console
            with console.capture() as capture:
                say(console)
            lines = [line.rstrip() for line in capture.get().splitlines()]  # a table pads its cells
            self.stdout.write("\n".join(lines))

    @property
    def console(self) -> Screen:
        """A terminal that knows its width and whether it may colour."""
        width = None if sys.stdout.isatty() else _WIDE
        return Screen(file=sys.stdout, width=width, highlight=False, markup=False, soft_wrap=True)

    def progress(self) -> Progress:
        """A progress bar on standard error; silent with `--json` or where nobody watches."""
        console = Console(stderr=True)
        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=self.json or not console.is_terminal,
        )


class ActionCommand(DigestCommand):
    """A command of several actions: `digest source add`, `digest source list`.

    A subclass declares in `add_actions` what each takes; the action called `mark-updated` is done
    by the method `do_mark_updated`.
    """

    audited = True  # unless the action is not

    def is_audited(self, options: dict[str, Any]) -> bool:
        """Return whether the audit log records this action."""
        return self._audited[options["action"]]

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the actions."""
        super().add_arguments(parser)
        self._actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        self._audited: dict[str, bool] = {}
        self.add_actions()

    def add_actions(self) -> None:
        """Call `self.reading` or `self.changing` for each."""
        raise NotImplementedError

    def reading(self, name: str, summary: str) -> CommandParser:
        """Add an action that changes nothing in the database; `summary` is its help."""
        return self._add_action(name, summary, audited=False)

    def changing(self, name: str, summary: str) -> CommandParser:
        """Add an action that the audit log records, and return its parser."""
        return self._add_action(name, summary, audited=True)

    def _add_action(self, name: str, summary: str, *, audited: bool) -> CommandParser:
        self._audited[name] = audited
        parser: CommandParser = self._actions.add_parser(name, help=summary, description=summary)
        DigestCommand.add_arguments(self, parser)
        return parser

    def run(self, options: dict[str, Any]) -> None:
        """Call the action's method."""
        getattr(self, f"do_{options['action'].replace('-', '_')}")(options)


def database_trouble(problem: Error) -> str | None:
    """Say to the person at the terminal what a database error means, if they can mend it."""
    last_words = (str(problem).strip().splitlines() or ["no reason given"])[-1]
    if isinstance(problem, OperationalError):
        return UNREACHABLE.format(last_words)
    if getattr(problem.__cause__, "sqlstate", "") in {"42P01", "42703"}:  # no such table, column
        first_words = str(problem).strip().splitlines()[0]
        return OUTDATED.format(first_words)
    return None


def add_flag(parser: "_ActionsContainer", name: str, summary: str, **options: Any) -> None:
    """Add an option without a value; `summary` is its help, `options` are `add_argument`'s."""
    parser.add_argument(name, action="store_true", help=summary, **options)


def details_table(rows: Iterable[tuple[str, Any]]) -> Table:
    """Lay out the details of a thing, a line for each; empty ones are left out."""
    grid = Table.grid(padding=(0, 2))
    for name, value in rows:
        if value not in {None, ""}:
            grid.add_row(Text(name, style="bold"), Text(printable(str(value))))
    return grid


def printable(text: str) -> str:
    """Return the text without the control characters that would steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def _plain(value: Any) -> Any:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
