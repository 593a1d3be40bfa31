"""Empties the database after a test that committed: the few tables that hold rows.

Django's flush truncates all tables and then makes content types and permissions again; on a fresh
database that costs more than many tests. It is still used where a test left many rows.
"""

from functools import cache
from typing import Any

from django.db import connection, transaction
from django.test import TransactionTestCase

MANY = 1000  # rows of one table; so many dead ones would slow down what comes
LEFT_ALONE = frozenset({"django_content_type", "auth_permission"})  # as flush makes them again

_base: Any = TransactionTestCase  # what ends a test is private to Django
_flush = _base._fixture_teardown


def install() -> None:
    """Let all tests that commit end with this instead of Django's flush."""
    _base._fixture_teardown = _empty_or_flush


def empty() -> bool:
    """Empty all tables; return False if that is left to Django's flush."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser')")
        if cursor.fetchone() != ("on",):
            return False
        cursor.execute(_counts())
        counts: dict[str, int] = dict(cursor.fetchall())
        if max(counts.values()) > MANY:
            return False
        with transaction.atomic():
            cursor.execute("SET LOCAL session_replication_role = replica")  # no triggers, no keys
            for table in (table for table, count in counts.items() if count):
                cursor.execute(f'DELETE FROM "{table}"')
    return True


def _empty_or_flush(test_case: Any) -> None:
    if not empty():
        _flush(test_case)


@cache
def _counts() -> str:
    """Return the query for the number of rows of each table, or MANY and one."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return " UNION ALL ".join(
        f"SELECT '{table}', count(*) FROM (SELECT 1 FROM \"{table}\" LIMIT {MANY + 1}) AS top"
        for table in sorted(set(tables) - LEFT_ALONE)
    )
