"""Tables of differences: triggers append rows, and what a row would count is the sum of several.

So no writer waits for another. Where a sum has many rows, they are merged into one.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Model

from digest.core.database.statements import execute


def merge_differences(
    model: type[Model], keys: Sequence[str], numbers: Sequence[str], above: int
) -> None:
    """Replace rows with the same `keys`, where there are more than `above`, by one with their sums.

    `keys` and `numbers` are names of fields, all of them but the id. It is one statement, so it is
    safe while others append.
    """
    quote, options = connection.ops.quote_name, model._meta  # noqa: SLF001  Django's name
    table, names = quote(options.db_table), ", ".join(map(quote, keys))
    sums = ", ".join(f"sum({quote(name)})" for name in numbers)
    columns = ", ".join(map(quote, (*keys, *numbers)))
    returned = ", ".join(f"{table}.{quote(name)}" for name in (*keys, *numbers))
    matching = " AND ".join(
        f"{table}.{quote(name)} {_equals(options.get_field(name))} many.{quote(name)}"
        for name in keys
    )
    execute(
        f"""
        WITH many AS (
            SELECT {names} FROM {table} GROUP BY {names} HAVING count(*) > %s
        ), removed AS (
            DELETE FROM {table} USING many WHERE {matching} RETURNING {returned}
        )
        INSERT INTO {table} ({columns})
        SELECT {names}, {sums} FROM removed GROUP BY {names}
        """,  # noqa: S608  names of our own tables and columns
        [above],
    )


def _equals(field: Any) -> str:
    return "IS NOT DISTINCT FROM" if field.null else "="
