"""What the operators' page knows: processes by machine, services, what is due."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from pytest_django.fixtures import Settings

from digest import __version__
from digest.backups import last
from digest.backups.last import LastBackup
from digest.core import clock
from digest.core.telemetry import reporting
from digest.core.telemetry.reporting import Reporter
from digest.installation.models import Installation
from digest.monitoring.status import read_status
from tests.cast import make_newsletter, make_subscriber
from tests.cast.notices import make_notice
from tests.ports import reserve_port

pytestmark = [pytest.mark.django_db, pytest.mark.real_clock]

NOW = clock.now()


@pytest.fixture(autouse=True)
def valkey(settings: Settings) -> Iterator[redis.Redis]:
    """A Valkey in which nobody has reported."""
    with redis.Redis.from_url(settings.DIGEST_REDIS_URL) as server:
        server.delete(reporting.PROCESSES)
        yield server
        server.delete(reporting.PROCESSES)


def change_report(valkey: redis.Redis, field: str, **changes: object) -> None:
    """Write what another process would have reported, like current but for some values."""
    [own] = valkey.hvals(reporting.PROCESSES)[:1]
    valkey.hset(reporting.PROCESSES, field, json.dumps(json.loads(own) | changes))


def test_processes_are_grouped_by_machine_and_version(valkey: redis.Redis) -> None:
    """With their memory together, the least free disk and the worst clock."""
    Reporter("worker").report()
    change_report(valkey, "a:1", host="a", process="pool process", memory=10, free=10, clock=0.1)
    change_report(valkey, "a:2", host="a", process="pool process", memory=20, free=9, clock=-7.5)
    change_report(valkey, "a:3", host="a", process="pool process", version="99.0.0")
    status = read_status(NOW)
    pool, newer, current = status.groups
    assert (pool.number, pool.memory, pool.free, pool.clock) == (2, 30, 9, -7.5)
    assert (pool.is_low_on_disk, pool.is_clock_wrong) == (True, True)
    assert (newer.version, newer.number) == ("99.0.0", 1)
    assert (current.process, current.version, current.is_clock_wrong) == (
        "worker",
        __version__,
        False,
    )
    assert current.free
    assert status.versions == sorted({__version__, "99.0.0"})


def test_reports_of_other_versions_are_read(valkey: redis.Redis) -> None:
    """With fields that this one does not know, and without those that are new in it."""
    Reporter("web").report()
    change_report(valkey, "b:1", host="b", colour="green")
    entry = json.loads(valkey.hget(reporting.PROCESSES, "b:1") or b"")
    for name in ("free", "clock"):
        del entry[name]
    valkey.hset(reporting.PROCESSES, "b:1", json.dumps(entry))
    [older] = [group for group in read_status(NOW).groups if group.host == "b"]
    assert (older.free, older.clock, older.is_low_on_disk, older.is_clock_wrong) == (
        None,
        None,
        False,
        False,
    )


def test_services_queues_and_backup() -> None:
    """A schema that fits, what is due and since when, beat's tick, the last backup."""
    newsletter = make_newsletter()
    subscriber = make_subscriber(newsletter)
    make_notice(newsletter.publication, subscriber, due_at=NOW - timedelta(minutes=20))
    Installation.objects.update_or_create(pk=Installation.ONLY_ROW, defaults={"beat_at": NOW})
    last.write(LastBackup(NOW, "/mnt/backups/a.age", 1000))
    status = read_status(NOW)
    assert status.database
    assert status.database.schema.problem == ""
    assert 0 < status.database.connections <= status.database.most_connections
    assert status.valkey
    assert status.valkey.memory > 0
    queues = {queue.name: queue for queue in status.queues}
    assert (queues["notices"].rows, queues["notices"].oldest) == (1, timedelta(minutes=20))
    assert queues["notices"].is_long_due
    assert not queues["sources"].is_long_due
    assert status.beat_at == NOW
    assert status.backup
    assert status.backup.path == "/mnt/backups/a.age"


def test_without_valkey_the_rest_is_shown(settings: Settings) -> None:
    """And it is named among the problems."""
    settings.DIGEST_REDIS_URL = f"redis://127.0.0.1:{reserve_port()}/0"
    status = read_status(NOW)
    assert (status.valkey, status.groups) == (None, [])
    assert status.database
    assert any("Valkey" in problem for problem in status.problems)
