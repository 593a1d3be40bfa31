"""What stands outside the database: how far its data went, in Valkey and in the data folder.

The database counts first, and its number is copied here once it is committed. So a number here that
the database has not reached yet shows that an older state of it was restored.
"""

import json
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import redis
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Testimony:
    """What the witnesses say of an installation."""

    beats: int | None  # the highest number that any of them has; None: they do not know it
    complete: bool  # all of them could be asked


def read(key: uuid.UUID) -> Testimony:
    """Ask both witnesses. Never raises: one that is away says nothing."""
    in_valkey, answered = _read_valkey(key)
    numbers = [beats for beats in (in_valkey, _read_file(key)) if beats is not None]
    return Testimony(max(numbers, default=None), answered)


def write(key: uuid.UUID, beats: int) -> None:
    """Tell both witnesses a number that the database has committed."""
    try:
        with _valkey() as valkey:
            valkey.set(_name(key), beats)
    except (redis.RedisError, OSError) as problem:
        log.warning("heartbeat not in Valkey", problem=str(problem))
    path = _path()
    unfinished = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps({"key": str(key), "beats": beats}))
        unfinished.replace(path)
    except OSError as problem:
        log.warning("heartbeat not in the data folder", path=str(path), problem=str(problem))


def _read_valkey(key: uuid.UUID) -> tuple[int | None, bool]:
    """Return the number, and whether Valkey answered."""
    try:
        with _valkey() as valkey:
            value = valkey.get(_name(key))
    except (redis.RedisError, OSError):
        return None, False
    return (int(value) if value else None), True


def _read_file(key: uuid.UUID) -> int | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        testimony = json.loads(_path().read_text())
        if testimony["key"] == str(key):
            return int(testimony["beats"])
    return None


def _path() -> Path:
    return Path(settings.DIGEST_DATA_DIR) / "heartbeat.json"


def _name(key: uuid.UUID) -> str:
    return f"digest-heartbeat:{key}"


def _valkey() -> redis.Redis:
    return redis.Redis.from_url(
        settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
    )
