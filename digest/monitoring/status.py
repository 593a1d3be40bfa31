"""What runs where, and how it does: the console's page *System*.

    processes  by machine and version, as they report to Valkey every few seconds
    services   PostgreSQL and Valkey: version, size, connections
    queues     what is due, and for how long
    problems   what is wrong at the moment, as alerts see it

A service that is away leaves its part empty and is named; nothing here raises because of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import redis
from django.conf import settings
from django.db import DatabaseError

from digest.backups import last
from digest.backups.last import LastBackup
from digest.core.database.schema import SchemaDifference, compare_schema
from digest.core.database.statements import fetch_row
from digest.core.telemetry.processes import Process, running_processes
from digest.installation.models import Installation
from digest.monitoring import figures
from digest.monitoring.alerts.conditions import LEAST_FREE, current_conditions

MOST_SKEW = 5.0  # seconds, as digest.installation.clocks has it
LONG_DUE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Group:
    """Processes of one kind and version on one machine."""

    host: str
    process: str
    version: str
    number: int
    since: datetime  # when the oldest of them started
    memory: int  # bytes, of all
    free: int | None  # bytes on the disk of their data folder
    clock: float | None  # seconds ahead of Valkey's clock, the largest difference

    @property
    def is_low_on_disk(self) -> bool:
        """Whether the disk is nearly full."""
        return self.free is not None and self.free < LEAST_FREE

    @property
    def is_clock_wrong(self) -> bool:
        """Whether the machine's clock differs from Valkey's by too much."""
        return self.clock is not None and abs(self.clock) > MOST_SKEW


@dataclass(frozen=True, slots=True)
class Queue:
    """Work of one kind that is due."""

    name: str
    rows: int  # at most figures.MOST
    oldest: timedelta  # how long the oldest has been due

    @property
    def is_capped(self) -> bool:
        """Whether there may be more than were counted."""
        return self.rows >= figures.MOST

    @property
    def is_long_due(self) -> bool:
        """Whether it looks as if nobody works on it."""
        return self.oldest > LONG_DUE


@dataclass(frozen=True, slots=True)
class Database:
    """PostgreSQL."""

    version: str
    size: int  # bytes
    connections: int
    most_connections: int
    schema: SchemaDifference


@dataclass(frozen=True, slots=True)
class Valkey:
    """Valkey or Redis."""

    version: str
    memory: int  # bytes
    nudges: int  # messages that no worker took yet


@dataclass(frozen=True, slots=True)
class Status:
    """The installation at a moment; None where a service does not answer."""

    problems: list[str]
    groups: list[Group]
    database: Database | None
    valkey: Valkey | None
    queues: list[Queue]
    beat_at: datetime | None
    backup: LastBackup | None

    @property
    def versions(self) -> list[str]:
        """The versions that run; more than one while an upgrade goes on."""
        return sorted({group.version for group in self.groups})


def read_status(now: datetime) -> Status:
    """Return what runs where."""
    valkey, groups = _read_valkey(now)
    database = _read_database()
    queues = list(_queues(now)) if database else []
    return Status(
        problems=_problems(now) if database else ["PostgreSQL cannot be reached."],
        groups=groups,
        database=database,
        valkey=valkey,
        queues=queues,
        beat_at=Installation.objects.values_list("beat_at", flat=True).first()
        if database
        else None,
        backup=last.read() if database else None,
    )


def group_processes(processes: list[Process]) -> list[Group]:
    """Return processes by machine, kind and version."""

    def key(row: Process) -> tuple[str, str, str]:
        return row.host, row.process, row.version

    grouped = groupby(sorted(processes, key=key), key)
    return [_group(*names, list(rows)) for names, rows in grouped]


def _group(host: str, process: str, version: str, rows: list[Process]) -> Group:
    clocks = [row.clock for row in rows if row.clock is not None]
    disks = [row.free for row in rows if row.free is not None]
    return Group(
        host=host,
        process=process,
        version=version,
        number=len(rows),
        since=min(row.started_at for row in rows),
        memory=sum(row.memory for row in rows),
        free=min(disks, default=None),
        clock=max(clocks, key=abs, default=None),
    )


def _problems(now: datetime) -> list[str]:
    return list(current_conditions(now).values())


def _read_valkey(now: datetime) -> tuple[Valkey | None, list[Group]]:
    try:
        with redis.Redis.from_url(
            settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
        ) as server:
            information = server.info()
        nudges = sum(number for _labels, number in figures.NUDGES.measure(now))
        groups = group_processes(running_processes(now))
    except (redis.RedisError, OSError):
        return None, []
    version = information.get("valkey_version") or information["redis_version"]
    return Valkey(str(version), int(information["used_memory"]), int(nudges)), groups


def _read_database() -> Database | None:
    try:
        version, size, connections, most = fetch_row(
            "SELECT current_setting('server_version'), pg_database_size(current_database()),"
            " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
            " current_setting('max_connections')::int"
        )
        return Database(version.split()[0], size, connections, most, compare_schema())
    except DatabaseError:
        return None


def _queues(now: datetime) -> Iterator[Queue]:
    rows = {labels[0]: int(number) for labels, number in figures.queue_rows(now)}
    for labels, seconds in figures.queue_ages(now):
        yield Queue(labels[0], rows[labels[0]], timedelta(seconds=max(0.0, seconds)))
