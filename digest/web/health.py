"""Can this installation work? Asks PostgreSQL and Valkey, each within two seconds or so."""

from collections.abc import Callable

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, connection

log = structlog.get_logger(__name__)


def problems() -> dict[str, str]:
    """Return what cannot be reached; empty when all is well. Details go to the log only."""
    checks: dict[str, Callable[[], None]] = {"database": _ask_database, "valkey": _ask_valkey}
    return {name: problem for name, ask in checks.items() if (problem := _asked(name, ask))}


def _asked(name: str, ask: Callable[[], None]) -> str:
    try:
        ask()
    except (DatabaseError, redis.RedisError, OSError) as problem:
        log.warning("not ready", service=name, problem=str(problem).strip())
        return "cannot be reached"
    return ""


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_valkey() -> None:
    with redis.Redis.from_url(
        settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
    ) as valkey:
        valkey.ping()
