"""Which processes run, and what all of them counted: what `reporting` wrote, read again."""

import json
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

import redis
from django.conf import settings

from digest.core.telemetry.buffer import Key
from digest.core.telemetry.reporting import FIGURES, PROCESSES

SILENT_AFTER = timedelta(seconds=30)  # without a report a process is taken for ended
FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Process:
    """A process that reported lately."""

    process: str  # web, worker, pool process, beat, inbound
    host: str
    pid: int
    version: str
    started_at: datetime
    reported_at: datetime
    memory: int  # bytes; of what several share its part, on Linux
    free: int | None = None  # bytes on the disk of its data folder
    disk: str | None = None  # names that disk, whatever container sees it
    clock: float | None = None  # seconds by which its machine's clock is ahead of Valkey's


def running_processes(now: datetime) -> list[Process]:
    """Return the processes that reported lately, by name and host. Raises redis.RedisError."""
    with _valkey() as valkey:
        entries = {name: _process(text) for name, text in valkey.hgetall(PROCESSES).items()}
        ended = [name for name, row in entries.items() if now - row.reported_at > FORGOTTEN_AFTER]
        if ended:
            valkey.hdel(PROCESSES, *ended)
    recent = [row for row in entries.values() if now - row.reported_at <= SILENT_AFTER]
    return sorted(recent, key=lambda row: (row.process, row.host, row.pid))


def figures() -> dict[Key, float]:
    """Return what all processes counted. Raises redis.RedisError."""
    with _valkey() as valkey:
        return {
            tuple(json.loads(key)): float(number) for key, number in valkey.hgetall(FIGURES).items()
        }


def _process(text: bytes) -> Process:
    """Read an entry; while an upgrade goes on it may have more or fewer fields than ours."""
    names = {field.name for field in fields(Process)}
    entry = {name: value for name, value in json.loads(text).items() if name in names}
    for name in ("started_at", "reported_at"):
        entry[name] = datetime.fromisoformat(entry[name])
    return Process(**entry)


def _valkey() -> redis.Redis:
    return redis.Redis.from_url(
        settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
    )
