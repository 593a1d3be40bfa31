"""Whether the schema of the database is the one that this code was written for."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import structlog
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from digest.core.errors import ConfigurationError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SchemaDifference:
    """Migrations, each `app.name`, by which code and database differ."""

    missing: tuple[str, ...]  # in the code, and not run yet
    unknown: tuple[str, ...]  # run, by a newer version of this code

    @property
    def problem(self) -> str:
        """What is wrong, in a sentence; empty if nothing is."""
        if self.unknown:
            return f"The database is newer than this code ({_listed(self.unknown)})."
        if self.missing:
            return f"The database is older than this code ({_listed(self.missing)})."
        return ""

    @property
    def advice(self) -> str:
        """What to do about it."""
        if self.unknown:
            return "Install the version of Digest that last migrated it, or a newer one."
        return "Run `digest migrate`." if self.missing else ""


def compare_schema() -> SchemaDifference:
    """Compare the migrations of the code with those that the database has run.

    Raises DatabaseError if the database cannot be asked.
    """
    expected = _migrations_of_code()
    labels = {label for label, _name in expected}
    recorded = MigrationRecorder(connection).applied_migrations()
    applied = {key for key in recorded if key[0] in labels}
    return SchemaDifference(_named(expected - applied), _named(applied - _known_to_code()))


def unknown_migrations(names: Iterable[str]) -> list[str]:
    """Return which of some migrations, each `app.name`, a newer version of this code has added."""
    expected = set(_named(_known_to_code()))
    labels = {name.partition(".")[0] for name in expected}
    candidates = (name for name in names if name.partition(".")[0] in labels)
    return sorted(name for name in candidates if name not in expected)


def require_current_schema() -> None:
    """Raise ConfigurationError unless the schema is current; pass if the database is away.

    For processes that are about to start: they wait for a database that is away.
    """
    try:
        difference = compare_schema()
    except DatabaseError as problem:
        log.warning("schema not compared", problem=str(problem).strip())
        return
    finally:
        connection.close()
    if difference.problem:
        raise ConfigurationError(f"{difference.problem} {difference.advice}")


@lru_cache(maxsize=1)
def _migrations_of_code() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.nodes)


@lru_cache(maxsize=1)
def _known_to_code() -> frozenset[tuple[str, str]]:
    """Return the same with migrations that a later one replaces."""
    replaced = {
        key
        for migration in MigrationLoader(None).disk_migrations.values()
        for key in migration.replaces
    }
    return _migrations_of_code() | replaced


def _named(keys: frozenset[tuple[str, str]] | set[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(sorted(f"{label}.{name}" for label, name in keys))


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}"
