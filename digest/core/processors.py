"""Lets mail have the processors: work that can wait rests while they are busy.

A low priority alone does not do it. A kernel shares the processors out now and then only, so two
processes wait for one while a third, of low priority, has the other; and what a server does for us,
as PostgreSQL does for a backup, has the server's priority.
"""

import asyncio
import math
import os
import time
from collections.abc import Callable
from typing import IO

import psutil

BUSY = 0.5  # a larger share of the processors' time is taken by others
WORK_SECONDS = 0.1  # between two looks at the processors
REST_SECONDS = 0.2  # while they are busy
ASK_SECONDS = 1.0  # for which an answer holds whether somebody needs them
LOWEST = 19  # niceness
_PIECE = 256 * 1024  # bytes


class Processors:
    """What others take of all processors, from one look to the next."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    def are_busy(self) -> bool:
        """Say whether others had most of the time since the last look.

        Processes of low priority, as we are here, do not count.
        """
        before, now = self._before, psutil.cpu_times()
        total = sum(now) - sum(before)
        if total <= 0:  # the kernel has not counted again
            return False
        self._before = now
        return bool(now.user - before.user + now.system - before.system > BUSY * total)


class RestingStream:
    """A stream that is read with rests while the processors are busy: whoever writes it waits."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._processors = Processors()
        self._since = time.monotonic()  # it works

    def read(self, size: int) -> bytes:
        """Return so many bytes, or what is left."""
        pieces = []
        while size and (piece := self._stream.read(min(size, _PIECE))):
            pieces.append(piece)
            size -= len(piece)
            self._rest()
        return b"".join(pieces)

    def _rest(self) -> None:
        if time.monotonic() - self._since < WORK_SECONDS:
            return
        if self._processors.are_busy():
            time.sleep(REST_SECONDS)
        self._since = time.monotonic()


class Pacer:
    """Says when work that comes from elsewhere may begin; it waits for the end of a rest.

    What such work takes of other processes, as PostgreSQL, keeps the processors busy, too. So it
    rests only where somebody else needs them: a thread asks `is_needed`, once a second at most.
    """

    def __init__(self, is_needed: Callable[[], bool]) -> None:
        self._is_needed = is_needed
        self._answer = True
        self._asked_at = -math.inf
        self._processors = Processors()
        self._turn = asyncio.Lock()
        self._since = time.monotonic()  # work has gone on

    async def wait(self) -> None:
        """Return at once, or after a rest that all wait for: processors are busy, and needed."""
        async with self._turn:
            if time.monotonic() - self._since < WORK_SECONDS:
                return
            if self._processors.are_busy() and await self._are_needed():
                await asyncio.sleep(REST_SECONDS)
            self._since = time.monotonic()

    async def _are_needed(self) -> bool:
        if time.monotonic() - self._asked_at >= ASK_SECONDS:
            self._answer = await asyncio.to_thread(self._is_needed)
            self._asked_at = time.monotonic()
        return self._answer


def lower_priority() -> None:
    """Give this process, and those that it starts, the lowest priority."""
    os.nice(LOWEST)
