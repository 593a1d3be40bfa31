"""How `digest migrate --plan` shows what it would do."""

from collections.abc import Sequence

from digest.core.database.migration_costs import Step
from digest.core.database.migration_plan import PlannedMigration
from digest.core.terminal import Screen
from digest.core.text import counted

LONGEST = 70  # characters of a statement


def print_plan(screen: Screen, plan: Sequence[PlannedMigration]) -> None:
    """Print the steps that take longer than a moment, and what it comes to."""
    if not plan:
        screen.print("Nothing to do: the database is up to date.")
        return
    rows = [_row(migration, step) for migration in plan for step in migration.steps if step.table]
    screen.print_table(["MIGRATION", "TABLE", "BLOCKS", "ABOUT", "STATEMENT"], rows)
    seconds = sum(migration.seconds for migration in plan)
    screen.print(f"{counted(len(plan), 'migration')}, about {duration(seconds)} in all.")
    for step in (step for migration in plan for step in migration.blocking):
        screen.print(
            f"{step.blocked.capitalize()} of {step.table} would wait for about "
            f"{duration(step.seconds)}: run it when little is sent."
        )
    if unknown := [migration.name for migration in plan if migration.unknown]:
        screen.print(f"Not all is known of {', '.join(unknown)}.")


def duration(seconds: float) -> str:
    """Say how long something takes, roughly."""
    if seconds < 1:
        return "a moment"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _row(migration: PlannedMigration, step: Step) -> list[str]:
    statement = step.sql if len(step.sql) <= LONGEST else f"{step.sql[: LONGEST - 1]}…"
    return [migration.name, step.table, step.blocked, duration(step.seconds), statement]
