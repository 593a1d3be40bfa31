"""SQL that migrations run, kept in readable files beside the models: triggers, views, sequences.

A file `digest/<package>/sql/<name>.sql` has two parts, `-- up` and `-- down`. Those of `core` serve
any table: `{table}` and other names in braces stand for what the migration names.
"""

from pathlib import Path

from django.db import migrations

_PACKAGES = Path(__file__).parent.parent.parent


def run_sql_file(package: str, name: str, **values: str) -> migrations.RunSQL:
    """Return the operation that runs a file's `-- up` part forward and its `-- down` part back.

    `values` replace names in braces. Raises FileNotFoundError without the file, ValueError where
    it lacks one of the two parts.
    """
    text = (_PACKAGES / package / "sql" / f"{name}.sql").read_text()
    _, up, down = text.replace("\n-- down\n", "\n-- up\n").split("-- up\n")
    return migrations.RunSQL(_fill_in(up, values), _fill_in(down, values))


def follow_changes(table: str, function: str) -> migrations.RunSQL:
    """Return the operation that calls a function of triggers after each statement on a table.

    The function finds the rows in `before_rows` (UPDATE, DELETE) and `after_rows` (INSERT, UPDATE).
    """
    return run_sql_file("core", "row_changes", table=table, function=function)


def refuse_truncate(table: str) -> migrations.RunSQL:
    """Return the operation after which TRUNCATE raises IntegrityError (restrict_violation)."""
    return run_sql_file("core", "no_truncate", table=table)


def _fill_in(statements: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        statements = statements.replace(f"{{{name}}}", value)
    return statements
