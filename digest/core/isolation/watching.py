"""Watches a child while it does a job: lets others go first, and ends what takes too long.

What is read can wait, mail can not. A job that has taken some processor time gets only the time
that no other process wants. Where there is none, it is begun again and keeps its low priority:
waiting for ever would be worse.
"""

import os
import threading
import time
from contextlib import suppress
from typing import Protocol, Self

import psutil

LONG = 0.2  # seconds of processor time: more than nearly every feed and page takes
CHECK_SECONDS = 0.1  # between two looks at what a job has taken
PATIENCE = 20.0  # seconds by the clock for which a job waits for time that nobody else wants
STARVED = 0.1  # a smaller share of them is too little


class Watched(Protocol):
    """A child."""

    pid: int

    def kill(self) -> None:
        """Kill it."""


class Watch:
    """One job of a child, from `with` to its end. Times are in seconds."""

    def __init__(self, child: Watched, wall_seconds: float, *, yields: bool) -> None:
        """Kill the child after `wall_seconds` by the clock, let it yield if it may."""
        self.is_yielding = False  # for good
        self.is_starved = False  # it was killed for that
        self.is_too_slow = False  # it was killed for that
        self.spent = 0.0  # of processor time
        self._child = child
        self._yields = yields
        self._until = time.monotonic() + wall_seconds
        self._before = self._cpu_seconds()
        self._since = (0.0, 0.0)  # by the clock, and of processor time
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="isolation", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the child alone."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(max(0.0, min(CHECK_SECONDS, self._until - time.monotonic()))):
            now, self.spent = time.monotonic(), self._cpu_seconds() - self._before
            self.is_too_slow = now >= self._until
            self.is_starved = not self.is_too_slow and self._starves(now)
            if self.is_too_slow or self.is_starved:
                self._child.kill()
                return
            if self._yields and not self.is_yielding and self.spent > LONG:
                self.is_yielding, self._since = True, (now, self.spent)
                _run_when_idle(self._child.pid)

    def _starves(self, now: float) -> bool:
        """Say whether the child got too little time while it yielded."""
        period_start, spent = self._since
        if not self.is_yielding or now - period_start < PATIENCE:
            return False
        self._since = (now, self.spent)
        return self.spent - spent < STARVED * (now - period_start)

    def _cpu_seconds(self) -> float:
        try:
            times = psutil.Process(self._child.pid).cpu_times()
        except psutil.Error:
            return self.spent
        return float(times.user + times.system)


def _run_when_idle(pid: int) -> None:
    """Give a process only the time that no other wants: what wakes up there does not wait for it.

    sched(7), SCHED_IDLE: a process has no way back from it, so its child is not used again.
    """
    if hasattr(os, "SCHED_IDLE"):  # Linux; elsewhere its low priority has to do
        with suppress(OSError):  # it has ended
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
