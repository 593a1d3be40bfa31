"""Single statements in SQL, for what the ORM cannot say or a benchmark shows to be slow in it."""

from typing import Any

from django.db import connection


def execute(statement: str, parameters: Any = None) -> int:
    """Run a statement; return the number of rows that it changed or returned."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def fetch_row(statement: str, parameters: Any = None) -> Any:
    """Run a statement; return its first row, or None."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()


def fetch_rows(statement: str, parameters: Any = None) -> list[Any]:
    """Run a statement; return all its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def fetch_column(statement: str, parameters: Any = None) -> list[Any]:
    """Run a statement; return the first value of each of its rows."""
    return [row[0] for row in fetch_rows(statement, parameters)]
