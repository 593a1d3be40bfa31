"""What every `digest …` command shares: `--json`, clear errors, tables, progress.

A subclass sets `help`, adds arguments, and writes `run`, which parses its input, makes one call
into the house, and hands the answer to `self.answer`.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from digest.core.errors import DigestError

UNREACHABLE = (
    "PostgreSQL cannot be reached: {}\n"
    "If this is a local installation, start it with `digest up`; "
    "otherwise check DIGEST_DATABASE_URL."
)


class DigestCommand(BaseCommand):
    """A command of the `digest` console."""

    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--json`; subclasses call this for each of their sub-parsers too."""
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run, and turn every DigestError into one clear line and exit status 1."""
        self.json = bool(options.get("json"))
        try:
            self.run(options)
        except DigestError as problem:
            raise CommandError(str(problem)) from problem
        except OperationalError as problem:
            raise CommandError(
                UNREACHABLE.format(str(problem).strip().splitlines()[-1])
            ) from problem

    def run(self, options: dict[str, Any]) -> None:
        """Do the command's work."""
        raise NotImplementedError

    def answer(self, facts: Any, say: Callable[[Console], None] | str) -> None:
        """Print `facts` as JSON if asked for, otherwise what `say` says to a person."""
        if self.json:
            self.stdout.write(json.dumps(facts, default=_plain, ensure_ascii=False, indent=2))
        elif isinstance(say, str):
            self.stdout.write(say)
        else:
            say(self.console)

    @property
    def console(self) -> Console:
        """A terminal that knows its width and whether it may colour."""
        return Console(file=sys.stdout, highlight=False, soft_wrap=True)

    def progress(self) -> Progress:
        """A progress bar on standard error; silent with `--json` or where nobody watches."""
        console = Console(stderr=True)
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=self.json or not console.is_terminal,
        )


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Lay out rows under quiet headings; cell text is shown as it is, never as markup."""
    from rich.text import Text

    made = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        made.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
