"""`digest migrate`: bring the database up to date, and say so in a line."""

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from digest.cli.migration_report import print_plan
from digest.core.database import lock_waits, locks, pooler
from digest.core.database.migration_plan import plan_migrations
from digest.core.database.migration_states import new_models_alone
from digest.core.database.schema import compare_schema
from digest.core.errors import ConfigurationError
from digest.core.terminal import DigestCommand
from digest.core.text import counted


class Command(DigestCommand, migrate.Command):
    """Django's own command, asked to be quiet, and summed up."""

    audited = False
    help = (
        "Bring the database up to date. --check: exit with 1 unless it is; --plan: show what would "
        "be done, whom it blocks, and about how long."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take Django's arguments too: an app and a migration name, to go back."""
        migrate.Command.add_arguments(self, parser)
        DigestCommand.add_arguments(self, parser)

    def run(self, options: dict[str, Any]) -> None:
        """Migrate, or wait for another process that does; or say whether, and what it would do.

        What Django would print is only shown with `--verbosity 2`.
        """
        if options["check_unapplied"]:
            self._check()
        elif options["plan"]:
            self._show_plan()
        else:
            self._migrate(options)

    def _check(self) -> None:
        """Raise ConfigurationError, exit status 1, unless the schema is that of this version."""
        difference = compare_schema()
        if difference.problem:
            raise ConfigurationError(f"{difference.problem} {difference.advice}")
        self.answer({"current": True}, "The database is up to date.")

    def _show_plan(self) -> None:
        """Show each statement with its table's size, whom it blocks, and about how long."""
        plan = plan_migrations()
        self.answer([asdict(row) for row in plan], lambda screen: print_plan(screen, plan))

    def _migrate(self, options: dict[str, Any]) -> None:
        if settings.DIGEST_DATABASE_POOLED or pooler.is_between():
            raise ConfigurationError(
                "Migrations need PostgreSQL itself: its locks are lost in a pooler. Run this with "
                "a DIGEST_DATABASE_URL that names the server, and DIGEST_DATABASE_POOLED=0."
            )
        quiet = options["verbosity"] <= 1
        with locks.hold(locks.Purpose.MIGRATE), new_models_alone():
            before = _applied(options["database"])
            quiet_options = options | ({"verbosity": 0} if quiet else {})
            lock_waits.run_patiently(lambda: migrate.Command.handle(self, **quiet_options))
        if options["verbosity"] == 0:
            return
        after = _applied(options["database"])
        changed = sorted(f"{app}.{name}" for app, name in before ^ after)
        say = f"{counted(len(changed), 'migration')} run. " if changed else ""
        self.answer({"migrated": changed}, f"{say}The database is up to date.")


def _applied(database: str) -> set[tuple[str, str]]:
    return set(MigrationRecorder(connections[database]).applied_migrations())
