"""Limits on what statements may take, for questions that may be answered less exactly."""

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

T = TypeVar("T")


def within(milliseconds: int, question: Callable[[], T]) -> T | None:
    """Return what `question` returns; None if one of its statements took longer than the limit."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
            answer = question()
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
            return answer
    except OperationalError as problem:
        if isinstance(problem.__cause__, QueryCanceled):
            return None
        raise


def without_nested_loops(question: Callable[[], T]) -> T:
    """Return what `question` returns; its statements join tables as wholes.

    After a large import the optimizer does not know yet how much is in a table, and may read it
    again for each row of another. A join of wholes takes longer than a good plan, and ends.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop TO off")
        answer = question()
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
        return answer
