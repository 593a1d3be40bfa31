"""No migration blocks a table that may be large: old processes run on while it is migrated."""

import pytest
from django.db import connection, migrations, models
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from digest.core.database.migration_costs import Blocked, Step, TableSize, cost_of

LARGE = TableSize(rows=100_000_000, bytes=10**10)


def blocking_steps(statements: list[str]) -> list[Step]:
    """Return what would block somebody for longer than a moment, were every table large."""
    tables = dict.fromkeys(connection.introspection.table_names(), LARGE)
    steps = cost_of(statements, tables)
    return [step for step in steps if step.blocked != Blocked.NOBODY and step.seconds > 1]


def statements_of(migration: Migration) -> list[str]:
    """Return the SQL of a migration that is not run."""
    return MigrationExecutor(connection).loader.collect_sql([(migration, False)])


@pytest.mark.django_db
def test_migrations_block_nobody() -> None:
    """All of ours but the first of each app, which makes its tables."""
    own_migrations = [
        migration
        for migration in MigrationLoader(None).disk_migrations.values()
        if migration.__module__.startswith("digest.")
    ]
    assert len(own_migrations) > 10
    for migration in own_migrations:
        if not migration.initial:
            assert blocking_steps(statements_of(migration)) == [], migration


class _Next(Migration):
    dependencies = [("subscribers", "0001_initial")]
    operations = [
        migrations.AddField("subscriber", "shoe_size", models.IntegerField(null=True)),
        migrations.AddIndex("subscriber", models.Index(fields=["name"], name="by_name")),
    ]


@pytest.mark.django_db
def test_one_that_would_is_noticed() -> None:
    """An index without CONCURRENTLY; a nullable column passes."""
    migration = _Next("next", "subscribers")
    state = MigrationLoader(connection).project_state(("subscribers", "0001_initial"))
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        migration.apply(state, editor, collect_sql=True)
    [step] = blocking_steps(editor.collected_sql)
    assert (step.table, step.blocked) == ("subscribers_subscriber", Blocked.WRITERS)
