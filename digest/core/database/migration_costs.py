"""What statements of a migration do to a table that is in use: whom they block, and how long.

Read from the SQL that Django would run, by the rules of PostgreSQL's documentation (ALTER TABLE,
"Notes"; CREATE INDEX; "Explicit Locking"). Pure; times are guesses from the size of the table, good
to tell a second from an hour.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum, auto

SCAN = 200_000_000  # bytes a second, of a table that is read
SORT = 40_000_000  # of one that gets an index
REWRITE = 25_000_000  # of one whose rows are written again
MOMENT = 0.1  # seconds, of what only changes the catalog


class Blocked(StrEnum):
    """Who has to wait meanwhile."""

    NOBODY = auto()
    WRITERS = auto()
    EVERYBODY = auto()


@dataclass(frozen=True, slots=True)
class TableSize:
    """Rows and bytes, as PostgreSQL last estimated them."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Step:
    """One statement, and what it costs."""

    sql: str
    table: str  # blank: no table that existed before
    blocked: Blocked
    seconds: float


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    blocked: Blocked
    rate: int  # bytes a second; 0: only the catalog changes


_NAME = r'"?(?P<table>\w+)"?'
_RULES = tuple(
    _Rule(re.compile(pattern, re.IGNORECASE | re.DOTALL), blocked, rate)
    for pattern, blocked, rate in (
        (rf"CREATE (UNIQUE )?INDEX CONCURRENTLY .* ON {_NAME}", Blocked.NOBODY, SORT),
        (rf"CREATE (UNIQUE )?INDEX .* ON {_NAME}", Blocked.WRITERS, SORT),
        (rf"ALTER TABLE {_NAME} .*\bALTER COLUMN .* TYPE ", Blocked.EVERYBODY, REWRITE),
        (rf"ALTER TABLE {_NAME} .*\bSET NOT NULL", Blocked.EVERYBODY, SCAN),
        (rf"ALTER TABLE {_NAME} .*\bVALIDATE CONSTRAINT", Blocked.NOBODY, SCAN),
        (rf"ALTER TABLE {_NAME} .*\bNOT VALID", Blocked.EVERYBODY, 0),
        (rf"ALTER TABLE {_NAME} .*\b(UNIQUE|PRIMARY KEY)\b", Blocked.EVERYBODY, SORT),
        (rf"ALTER TABLE {_NAME} .*\bFOREIGN KEY", Blocked.WRITERS, SCAN),
        (rf"ALTER TABLE {_NAME} .*\bADD CONSTRAINT .* CHECK", Blocked.EVERYBODY, SCAN),
        # One that the database computes again for each row; a constant only changes the catalog.
        (
            rf"ALTER TABLE {_NAME} ADD COLUMN .*(GENERATED|random|uuid|SERIAL|IDENTITY)",
            Blocked.EVERYBODY,
            REWRITE,
        ),
        (rf"ALTER TABLE {_NAME} ", Blocked.EVERYBODY, 0),
        (rf"(UPDATE|DELETE FROM|INSERT INTO) {_NAME}", Blocked.WRITERS, REWRITE),
    )
)


def cost_of(statements: Iterable[str], sizes: Mapping[str, TableSize]) -> list[Step]:
    """Return what each statement costs where tables have these sizes; new tables cost a moment."""
    return [_step(statement, sizes) for statement in statements]


def _step(statement: str, sizes: Mapping[str, TableSize]) -> Step:
    sql = re.sub(r"\s+", " ", statement).strip()
    for rule in _RULES:
        if match := rule.pattern.match(sql):
            size = sizes.get(match["table"])
            if size is None:
                break
            seconds = MOMENT + (size.bytes / rule.rate if rule.rate else 0)
            return Step(sql, match["table"], rule.blocked, seconds)
    return Step(sql, "", Blocked.NOBODY, MOMENT)
