"""What `digest migrate` would do: which migrations, by which statements, at what cost."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import RunPython

from digest.core.database.migration_costs import Blocked, Step, TableSize, cost_of
from digest.core.database.statements import fetch_rows


@dataclass(frozen=True, slots=True)
class PlannedMigration:
    """A migration that is to be run."""

    name: str  # app.name
    steps: list[Step]
    unknown: bool  # it runs code, or begins on an empty database: its steps cannot all be told

    @property
    def seconds(self) -> float:
        """How long it takes, about."""
        return sum(step.seconds for step in self.steps)

    @property
    def blocking(self) -> list[Step]:
        """The steps for which somebody has to wait longer than a moment."""
        return [step for step in self.steps if step.blocked != Blocked.NOBODY and step.seconds > 1]


def plan_migrations() -> list[PlannedMigration]:
    """Return what is to be run, in order. Changes nothing."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    sizes = table_sizes()
    return [_planned(executor, migration, sizes) for migration, _backwards in plan]


def table_sizes() -> dict[str, TableSize]:
    """Return the size of each table, its indexes not counted, without reading it."""
    sizes = fetch_rows(
        "SELECT relname, greatest(reltuples, 0)::bigint, pg_table_size(oid) FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    return {name: TableSize(rows, size) for name, rows, size in sizes}


def _planned(
    executor: MigrationExecutor, migration: Migration, sizes: Mapping[str, TableSize]
) -> PlannedMigration:
    name = f"{migration.app_label}.{migration.name}"
    runs_code = any(isinstance(operation, RunPython) for operation in migration.operations)
    try:
        statements = _statements(executor, migration)
    except ValueError:  # Django looks for what an earlier one of the plan would have made
        return PlannedMigration(name, [], unknown=True)
    return PlannedMigration(name, cost_of(statements, sizes), unknown=runs_code)


def _statements(executor: MigrationExecutor, migration: Migration) -> list[str]:
    lines = executor.loader.collect_sql([(migration, False)])
    return [
        line for line in lines if line and not line.startswith("--") and line not in _TRANSACTION
    ]


_TRANSACTION = frozenset({"BEGIN;", "COMMIT;"})
