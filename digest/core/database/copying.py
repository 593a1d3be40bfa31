"""COPY with the errors of Django: those of psycopg would pass by whoever waits for a database."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg import Copy


@contextmanager
def copy(statement: str) -> Iterator[Copy]:
    """Run `COPY … FROM STDIN`; yield what rows are written to.

    What PostgreSQL refuses is known when the block ends. Raises django.db.Error, as a cursor does:
    whoever waits for a database that is away or full expects these.
    """
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as rows,
    ):
        yield rows
