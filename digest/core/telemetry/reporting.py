"""A thread of each process that reports to Valkey: what was counted, and that the process runs.

Error reports and traces begin and end with it, where they are set.
"""

import json
import os
import shutil
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import psutil
import redis
from django.conf import settings

from digest import __version__
from digest.core import clock
from digest.core.telemetry import error_reports, traces
from digest.core.telemetry.buffer import BUFFER, Buffer, Key

FIGURES = "digest-figures"  # hash: a key as JSON, the number
PROCESSES = "digest-processes"  # hash: host:pid, the process as JSON
SECONDS = 5.0  # between two reports
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # of the machine, in its containers too


class Reporter:
    """Reports for this process until it is stopped; what Valkey misses is reported later."""

    def __init__(self, process: str, buffer: Buffer = BUFFER) -> None:
        """`process` is what it does: web, worker, pool process, beat, inbound."""
        self.process = process
        self._buffer = buffer
        self._started_at = clock.now().isoformat()
        self._over = Event()
        self._thread = Thread(target=self._run, name="telemetry", daemon=True)

    def start(self) -> None:
        """Report now and every few seconds."""
        error_reports.start(self.process)
        traces.start(self.process)
        self._thread.start()

    def stop(self) -> None:
        """Report what is left, and that the process has ended."""
        self._over.set()
        self._thread.join(5)
        error_reports.stop()
        traces.stop()

    def report(self) -> None:
        """Add what was counted to the installation's figures; keep it if Valkey is away."""
        numbers = self._buffer.take()
        try:
            with _valkey() as valkey:
                _add(valkey, numbers)
                description = self._description() | {"clock": _clock_difference(valkey)}
                valkey.hset(PROCESSES, _name(), json.dumps(description))
        except (redis.RedisError, OSError):
            self._buffer.add(numbers)

    def _run(self) -> None:
        while not self._over.is_set():
            self.report()
            self._over.wait(SECONDS)
        self.report()
        with suppress(redis.RedisError, OSError), _valkey() as valkey:
            valkey.hdel(PROCESSES, _name())

    def _description(self) -> dict[str, str | float | None]:
        return {
            "process": self.process,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": __version__,
            "started_at": self._started_at,
            "reported_at": clock.now().isoformat(),
            "memory": _memory(),
            "free": _free_bytes(),
            "disk": _disk(),
        }


def _add(valkey: redis.Redis, numbers: Mapping[Key, float]) -> None:
    """Add all numbers or none."""
    with valkey.pipeline(transaction=True) as steps:
        for key, number in numbers.items():
            steps.hincrbyfloat(FIGURES, json.dumps(key), number)
        steps.execute()


def _free_bytes() -> int | None:
    """Return what is free on the disk of this process's data folder; None if there is none."""
    with suppress(OSError):
        return shutil.disk_usage(settings.DIGEST_DATA_DIR).free
    return None


def _disk() -> str | None:
    """Return a name of that disk, which all containers of a machine see; None if there is none."""
    with suppress(OSError):
        folder = settings.DIGEST_DATA_DIR
        number = os.statvfs(folder).f_fsid or Path(folder).stat().st_dev
        return f"{BOOT_ID.read_text().strip()}:{number}"
    return None


def _memory() -> int:
    """Return this process's bytes of memory, with its part of what it shares where that is known.

    Processes that are forked share most of theirs: the sum of all counted that several times.
    """
    process = psutil.Process()
    with suppress(psutil.Error, OSError, AttributeError):  # AttributeError: not on Linux
        return int(process.memory_full_info().pss)
    return int(process.memory_info().rss)


def _clock_difference(valkey: redis.Redis) -> float:
    """Return by how many seconds this machine's clock is ahead of Valkey's."""
    before = clock.now().timestamp()
    seconds, microseconds = valkey.time()
    middle = (before + clock.now().timestamp()) / 2
    return round(middle - seconds - microseconds / 1e6, 3)


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _valkey() -> redis.Redis:
    return redis.Redis.from_url(
        settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
    )
