"""A thread of each process that reports to Valkey: what was counted, and that the process runs."""

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from threading import Event, Thread

import psutil
import redis
from django.conf import settings

from digest import __version__
from digest.core import clock
from digest.core.telemetry.buffer import BUFFER, Buffer, Key

FIGURES = "digest-figures"  # hash: a key as JSON, the number
PROCESSES = "digest-processes"  # hash: host:pid, the process as JSON
SECONDS = 5.0  # between two reports


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
        self._thread.start()

    def stop(self) -> None:
        """Report what is left, and that the process has ended."""
        self._over.set()
        self._thread.join(5)

    def report(self) -> None:
        """Add what was counted to the installation's figures; keep it if Valkey is away."""
        numbers = self._buffer.take()
        try:
            with _valkey() as valkey:
                _add(valkey, numbers)
                valkey.hset(PROCESSES, _name(), json.dumps(self._description()))
        except (redis.RedisError, OSError):
            self._buffer.add(numbers)

    def _run(self) -> None:
        while not self._over.is_set():
            self.report()
            self._over.wait(SECONDS)
        self.report()
        with suppress(redis.RedisError, OSError), _valkey() as valkey:
            valkey.hdel(PROCESSES, _name())

    def _description(self) -> dict[str, str | int]:
        return {
            "process": self.process,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": __version__,
            "started_at": self._started_at,
            "reported_at": clock.now().isoformat(),
            "memory": psutil.Process().memory_info().rss,
        }


def _add(valkey: redis.Redis, numbers: Mapping[Key, float]) -> None:
    """Add all numbers or none."""
    with valkey.pipeline(transaction=True) as steps:
        for key, number in numbers.items():
            steps.hincrbyfloat(FIGURES, json.dumps(key), number)
        steps.execute()


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _valkey() -> redis.Redis:
    return redis.Redis.from_url(
        settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
    )
