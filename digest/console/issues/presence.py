"""Who else has an issue open, and which block they edit: in Valkey, for some seconds.

Without Valkey nobody is seen, and everything else works.
"""

import json
from datetime import datetime
from typing import Any, NamedTuple

import redis
import structlog
from django.conf import settings

from digest.accounts.models import User

TTL = 15  # seconds without a heartbeat after which somebody has left
MOST = 50  # editors that are listed
_TIMEOUT = 0.5  # seconds

log = structlog.get_logger(__name__)


class Person(NamedTuple):
    """Somebody who has the issue open, in another tab or browser."""

    name: str
    place: str  # the key of what they edit, such as `b12`; empty: nothing


def report(issue_id: int, user: User, tab: str, place: str, now: datetime) -> list[Person]:
    """Note that a user has the issue open in a tab; return the others, by name."""
    key, member = f"digest-presence:{issue_id}", f"{user.pk}:{tab}"
    row = {"name": str(user), "place": place, "at": now.timestamp(), "user": user.pk}
    try:
        rows = _exchange(key, member, json.dumps(row))
    except (redis.RedisError, OSError) as problem:
        log.warning("presence away", problem=str(problem))
        return []
    present = [row for row in rows if now.timestamp() - row["at"] < TTL]
    editors = [Person(row["name"], row["place"]) for row in present if row["user"] != user.pk]
    return sorted(set(editors))[:MOST]


def _exchange(key: str, member: str, value: str) -> list[dict[str, Any]]:
    with redis.Redis.from_url(
        settings.DIGEST_REDIS_URL, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT
    ) as valkey:
        pipeline = valkey.pipeline(transaction=False)
        pipeline.hset(key, member, value)
        pipeline.expire(key, 2 * TTL)
        pipeline.hgetall(key)
        values: dict[bytes, bytes] = pipeline.execute()[-1]
    return [json.loads(row) for row in values.values()]
