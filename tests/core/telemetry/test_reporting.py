"""What processes count reaches Valkey once, and they are listed while they run."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from pytest_django.fixtures import Settings

from digest import __version__
from digest.core import clock
from digest.core.telemetry import processes, reporting
from digest.core.telemetry.buffer import SUM, Buffer
from digest.core.telemetry.reporting import Reporter
from tests.ports import reserve_port

KEY = ("digest_jobs", "issues.build", "done")


@pytest.fixture(autouse=True)
def valkey(settings: Settings) -> Iterator[redis.Redis]:
    """A Valkey in which nobody has reported."""
    with redis.Redis.from_url(settings.DIGEST_REDIS_URL) as server:
        server.delete(reporting.FIGURES, reporting.PROCESSES)
        yield server
        server.delete(reporting.FIGURES, reporting.PROCESSES)


def test_numbers_of_several_processes_add_up() -> None:
    """And each is reported once."""
    buffers = [Buffer(), Buffer()]
    for buffer in buffers:
        buffer.add({KEY: 2, ("digest_job_seconds", "issues.build", SUM): 0.25})
        for _ in range(2):
            Reporter("worker", buffer).report()
    assert processes.figures() == {KEY: 4, ("digest_job_seconds", "issues.build", SUM): 0.5}


def test_what_valkey_misses_is_reported_later(settings: Settings) -> None:
    """No number is lost while it is away, and the process does not mind."""
    buffer, url = Buffer(), settings.DIGEST_REDIS_URL
    reporter = Reporter("worker", buffer)
    buffer.add({KEY: 1})
    settings.DIGEST_REDIS_URL = f"redis://127.0.0.1:{reserve_port()}"
    reporter.report()
    buffer.add({KEY: 1})
    settings.DIGEST_REDIS_URL = url
    reporter.report()
    assert processes.figures() == {KEY: 2}


@pytest.mark.skipif(not reporting.BOOT_ID.exists(), reason="Linux says what is shared")
def test_what_processes_share_is_counted_once(settings: Settings, tmp_path: Path) -> None:
    """Memory of a fork, and the disk of a data folder, by whatever path it is reached."""
    reporter = Reporter("worker", Buffer())
    ballast = bytearray(b"1" * 64_000_000)
    reporter.report()
    alone, shared = processes.running_processes(clock.now())[0], tmp_path / "shared"
    shared.mkdir()
    settings.DIGEST_DATA_DIR = shared
    child = os.fork()
    if not child:
        signal.pause()
    reporter.report()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    [forked] = processes.running_processes(clock.now())
    assert forked.memory < alone.memory - len(ballast) // 3
    assert forked.disk == alone.disk is not None


def test_a_process_is_listed_until_it_ends() -> None:
    """With its version and memory."""
    reporter = Reporter("beat", Buffer())
    reporter.report()
    [process] = processes.running_processes(clock.now())
    assert (process.process, process.version, process.pid) == ("beat", __version__, os.getpid())
    assert process.memory > 1_000_000
    reporter.start()
    reporter.stop()
    assert processes.running_processes(clock.now()) == []


def test_a_process_that_is_killed_is_not_listed_for_long(valkey: redis.Redis) -> None:
    """It said nothing for half a minute; after an hour it is deleted."""
    Reporter("worker", Buffer()).report()
    assert processes.running_processes(clock.now() + timedelta(seconds=29))
    assert processes.running_processes(clock.now() + timedelta(seconds=31)) == []
    assert valkey.hlen(reporting.PROCESSES) == 1
    processes.running_processes(clock.now() + timedelta(hours=2))
    assert valkey.hlen(reporting.PROCESSES) == 0


def test_a_forked_process_counts_from_zero() -> None:
    """What its parent counted is reported by the parent."""
    buffer = Buffer()
    buffer.add({KEY: 1})
    buffer.forget()
    assert buffer.take() == {}
