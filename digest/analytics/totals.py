"""Apply differences to the totals of issues and links, each table in one statement."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from digest.analytics.folding import Difference
from digest.core.database.statements import execute

HOUR_COLUMNS = ("clicks", "unique_clicks", "clickers", "machine_clicks", "uncertain_clicks")
ISSUE_COLUMNS = (
    "clicks",
    "unique_clickers",
    "machine_clicks",
    "uncertain_clicks",
    "opens",
    "uncertain_opens",
    "machine_opens",
)


def apply(difference: Difference, now: datetime) -> None:
    """Add a difference to the totals, inside the transaction of the verdicts that make it."""
    hours = [
        (issue, link, datetime.fromtimestamp(hour, UTC), *numbers)
        for (issue, link, hour), numbers in _pivot(difference.hours, HOUR_COLUMNS)
    ]
    issues = [
        (*issue, *numbers, now) for issue, numbers in _pivot(difference.issues, ISSUE_COLUMNS)
    ]
    _execute(_HOURS, hours)
    _execute(_ISSUES, issues)


def _pivot(
    changes: Mapping[Any, int], columns: Sequence[str]
) -> Iterable[tuple[tuple[int, ...], list[int]]]:
    """Yield each key with its changes by column, sorted, without those that change nothing."""
    rows: dict[tuple[int, ...], list[int]] = defaultdict(lambda: [0] * len(columns))
    for (*key, column), number in changes.items():
        if number:
            rows[tuple(key)][columns.index(column)] = number
    return sorted(rows.items())


def _execute(sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a statement with an array for each column."""
    if rows:
        execute(sql, [list(column) for column in zip(*rows, strict=True)])


def _upsert(table: str, key: Sequence[str], columns: Sequence[str], types: str) -> str:
    names = ", ".join((*key, *columns))
    sums = ", ".join(f"{name} = total.{name} + excluded.{name}" for name in columns)
    return (
        f"INSERT INTO {table} AS total ({names}{{also}}) SELECT * FROM unnest({types})"  # noqa: S608
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sums}{{update}}"
    )


_NUMBERS = ", ".join(["%s::bigint[]"] * 2)
_HOURS = _upsert(
    "analytics_linkhour",
    ("issue_id", "link_id", "hour"),
    HOUR_COLUMNS,
    f"{_NUMBERS}, %s::timestamptz[], {_NUMBERS}, {_NUMBERS}, %s::bigint[]",
).format(also="", update="")
_ISSUES = _upsert(
    "analytics_issuetotals",
    ("issue_id",),
    ISSUE_COLUMNS,
    f"{_NUMBERS}, {_NUMBERS}, {_NUMBERS}, {_NUMBERS}, %s::timestamptz[]",
).format(also=", changed_at", update=", changed_at = excluded.changed_at")
