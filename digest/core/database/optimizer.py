"""Statistics of tables that grew much at once, for PostgreSQL's optimizer.

Autovacuum refreshes them within minutes, or hours where it has much to do. Until then the optimizer
plans as if the new rows were not there: after an import of a million subscribers, a count that
takes half a second may take most of an hour.
"""

from collections.abc import Iterable
from functools import partial

import structlog
from django.db import Error, models, transaction

from digest.core.database.statements import execute, fetch_column

log = structlog.get_logger(__name__)

SHARE = 0.02  # that a table has to grow by since the last time
SMALLEST = 16  # pages that it has to grow by
_ALL = "ANALYZE"


def refresh_statistics(tables: Iterable[type[models.Model]]) -> None:
    """Analyze those of the tables that grew, once the present transaction has committed.

    That reads a sample, which takes about a second however large a table is. A table that something
    else analyzes or changes at the moment is left alone. What fails is logged: nothing depends on
    it but speed.
    """
    names = [table._meta.db_table for table in tables]  # noqa: SLF001  Django documents it
    transaction.on_commit(partial(_refresh, names))


def refresh_all_statistics() -> None:
    """Analyze every table. For a database that was just restored: a dump has no statistics.

    It may take longer than other statements may. What fails is logged, as above.
    """
    try:
        with transaction.atomic():
            execute("SET LOCAL statement_timeout = 0")
            execute(_ALL)
    except Error as problem:
        log.warning("statistics not refreshed", problem=str(problem).strip())


def _refresh(names: list[str]) -> None:
    try:
        if grown := _grown(names):
            execute(f"ANALYZE (SKIP_LOCKED) {', '.join(grown)}")
    except Error as problem:
        log.warning("statistics not refreshed", tables=names, problem=str(problem).strip())


def _grown(names: list[str]) -> list[str]:
    """Return those of the tables that have grown since they were analyzed."""
    return fetch_column(_GROWN, [names, SHARE, SMALLEST])


# `relpages` is the size at the last ANALYZE or VACUUM. The statistics of what was inserted and
# updated are not used: a session reports its own with a delay.
_GROWN = """
SELECT quote_ident(relname)
  FROM unnest(%s::text[]) AS name JOIN pg_class ON oid = quote_ident(name)::regclass
 WHERE pg_relation_size(oid) / current_setting('block_size')::int - relpages
       >= greatest(relpages * %s, %s)
 ORDER BY relname
"""
