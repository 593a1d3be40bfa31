"""`digest migrate`: bring the database up to date, and say so in a line."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from digest.core import locks
from digest.core.terminal import DigestCommand


class Command(DigestCommand, migrate.Command):
    """Django's own command, asked to be quiet, and summed up."""

    audited = False
    help = "Bring the database up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take Django's arguments too: an app and a migration name, to go back."""
        migrate.Command.add_arguments(self, parser)
        DigestCommand.add_arguments(self, parser)

    def run(self, options: dict[str, Any]) -> None:
        """Migrate, or wait for another process that does.

        What Django would print is only shown with `--verbosity 2`.
        """
        quiet = options["verbosity"] <= 1
        with locks.hold(locks.Purpose.MIGRATE):
            before = _applied(options["database"])
            migrate.Command.handle(self, **options | ({"verbosity": 0} if quiet else {}))
        if options["verbosity"] == 0:
            return
        after = _applied(options["database"])
        changed = sorted(f"{app}.{name}" for app, name in before ^ after)
        say = f"{len(changed)} migrations run. " if changed else ""
        self.answer({"migrated": changed}, f"{say}The database is up to date.")


def _applied(database: str) -> set[tuple[str, str]]:
    return set(MigrationRecorder(connections[database]).applied_migrations())
