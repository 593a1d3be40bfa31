"""Work that can wait, beside work that cannot."""

import asyncio
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import psutil
import pytest

from digest.core import processors
from digest.core.processors import Pacer, Processors, RestingStream


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the processors after each piece, and rest for a moment."""
    monkeypatch.setattr(processors, "WORK_SECONDS", 0.0)
    monkeypatch.setattr(processors, "REST_SECONDS", 0.05)
    monkeypatch.setattr(processors, "_PIECE", 10)


def seconds_of_reading(octets: bytes, size: int) -> float:
    """Read a stream that rests to its end, in pieces that are all as large as wanted but the last.

    Between two of its own pieces it takes 20 ms, so that the kernel counts.
    """
    stream, start = RestingStream(SlowStream(octets)), time.monotonic()
    pieces = []
    while piece := stream.read(size):
        pieces.append(piece)
    assert b"".join(pieces) == octets
    assert {len(piece) for piece in pieces[:-1]} <= {size}
    return time.monotonic() - start


class SlowStream(io.BytesIO):
    """A stream that takes its time."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return so many bytes, later."""
        time.sleep(0.02)
        return super().read(size)


def test_who_reads_rests_while_others_keep_the_processors_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ten pieces, and most of the time between them is rest."""
    monkeypatch.setattr(processors, "BUSY", -1.0)  # less than there ever is
    assert seconds_of_reading(bytes(range(100)), 40) > 10 * 0.05


def test_who_reads_does_not_rest_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup of a quiet machine takes as long as it takes."""
    monkeypatch.setattr(processors, "BUSY", 2.0)  # more than there is
    monkeypatch.setattr(processors, "REST_SECONDS", 100.0)
    assert seconds_of_reading(bytes(range(100)), 40) < 50


def count_rests(times: int, is_needed: Callable[[], bool] = lambda: True) -> int:
    """Begin two pieces of work at a time, so often; return how often they had to rest."""
    pacer = Pacer(is_needed)

    async def work() -> int:
        rests = 0
        for _ in range(times):
            await asyncio.sleep(0.03)
            start = time.monotonic()
            await asyncio.gather(pacer.wait(), pacer.wait())
            rests += time.monotonic() - start >= processors.REST_SECONDS
        return rests

    return asyncio.run(work())


def test_whoever_comes_waits_while_the_processors_are_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """All wait for the same rest, and then some work goes on."""
    monkeypatch.setattr(processors, "BUSY", -1.0)  # less than there ever is
    assert count_rests(5) == 5
    monkeypatch.setattr(processors, "WORK_SECONDS", 100.0)
    assert count_rests(5) == 0


def test_nobody_waits_while_nobody_needs_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps them busy may be the work itself. An answer holds for a while."""
    monkeypatch.setattr(processors, "BUSY", -1.0)  # less than there ever is
    questions: list[bool] = []

    def is_needed() -> bool:
        questions.append(True)
        return False

    monkeypatch.setattr(processors, "ASK_SECONDS", 100.0)
    assert count_rests(5, is_needed) == 0
    assert len(questions) == 1
    monkeypatch.setattr(processors, "ASK_SECONDS", 0.0)
    assert count_rests(5, is_needed) == 0
    assert len(questions) > 5


def test_nobody_waits_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are read as they come."""
    monkeypatch.setattr(processors, "BUSY", 2.0)  # more than there is
    monkeypatch.setattr(processors, "REST_SECONDS", 100.0)
    assert count_rests(5) == 0


def test_what_others_take_is_seen() -> None:
    """A process that computes without end for each processor leaves nothing."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    try:
        time.sleep(0.2)
        looks = Processors()
        time.sleep(0.5)
        assert looks.are_busy()
    finally:
        for process in processes:
            process.kill()
            process.wait()


class Times(NamedTuple):
    """Seconds of all processors, as the kernel counts them."""

    user: int = 1000
    nice: int = 1000
    system: int = 1000
    idle: int = 1000


@pytest.mark.parametrize(
    ("later", "busy"),
    [
        pytest.param(Times(user=1080, idle=1020), True, id="others"),
        pytest.param(Times(user=1020, nice=1060, idle=1020), False, id="low priority, as we have"),
        pytest.param(Times(user=1010, idle=1090), False, id="hardly anything"),
        pytest.param(Times(), False, id="too early to say"),
    ],
)
def test_who_counts(later: Times, *, busy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others of our priority or of a higher one took between two looks."""
    looks = iter([Times(), later])
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(looks))
    assert Processors().are_busy() is busy
