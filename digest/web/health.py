"""Whether PostgreSQL and Valkey can be used, each checked within about two seconds.

Without PostgreSQL, or with an older schema than ours, no page can be served. Without Valkey all
are: it holds nudges and limits, which sweeps and PostgreSQL make up for.
"""

from dataclasses import dataclass

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError

from digest.core.database.schema import compare_schema

log = structlog.get_logger(__name__)


UNREACHABLE = "cannot be reached"


@dataclass(frozen=True, slots=True)
class Health:
    """What is wrong with each service, in words that reveal nothing; details go to the log."""

    problems: dict[str, str]  # nothing works without these
    degraded: dict[str, str]  # the pages work without these

    @property
    def is_ready(self) -> bool:
        """Requests can be served."""
        return not self.problems


def check_health() -> Health:
    """Check each service."""
    health, valkey = _check_database(), _check_valkey()
    if valkey:
        health.degraded["valkey"] = valkey
    return health


def _check_database() -> Health:
    """Return whether pages can be served from this database.

    One that was migrated by a newer version is served: its migrations leave what this one needs
    (docs/upgrading.md). A process of this version would not start on it.
    """
    try:
        difference = compare_schema()
    except (DatabaseError, OSError) as problem:
        log.warning("not ready", service="database", problem=str(problem).strip())
        return Health(problems={"database": UNREACHABLE}, degraded={})
    message = f"{difference.problem} {difference.advice}"
    if difference.missing:
        log.warning("not ready", service="database", problem=difference.problem)
        return Health(problems={"database": message}, degraded={})
    return Health(problems={}, degraded={"database": message} if difference.unknown else {})


def _check_valkey() -> str:
    try:
        with redis.Redis.from_url(
            settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
        ) as valkey:
            valkey.ping()
    except (redis.RedisError, OSError) as problem:
        log.warning("degraded", service="valkey", problem=str(problem).strip())
        return UNREACHABLE
    return ""
