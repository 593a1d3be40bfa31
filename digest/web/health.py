"""Whether PostgreSQL and Valkey can be reached, each checked within about two seconds."""

from collections.abc import Callable

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, connection

log = structlog.get_logger(__name__)


def find_problems() -> dict[str, str]:
    """Return the services that cannot be reached, with a message each; details go to the log."""
    checks: dict[str, Callable[[], None]] = {"database": _check_database, "valkey": _check_valkey}
    return {name: problem for name, check in checks.items() if (problem := _problem(name, check))}


def _problem(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except (DatabaseError, redis.RedisError, OSError) as problem:
        log.warning("not ready", service=name, problem=str(problem).strip())
        return "cannot be reached"
    return ""


def _check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _check_valkey() -> None:
    with redis.Redis.from_url(
        settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
    ) as valkey:
        valkey.ping()
