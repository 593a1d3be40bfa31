"""Watches a child while it does a job: lets others go first, and ends what takes too long.

What is read can wait, mail can not: a job gets only the time that no other process wants. Where
there is none, it is begun again with a low priority, and yields only once it has taken some time;
where that is not enough either, it keeps its priority: waiting for ever would be worse.

A job that yields also rests while others keep the processors busy (`core.processors` says why).
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Protocol, Self

import psutil

from digest.core import processors

LONG = 0.2  # seconds of processor time: more than nearly every feed and page takes
CHECK_SECONDS = 0.1  # between two looks at what a job has taken
STARVED = 0.1  # a smaller share of its patience is too little


class Yielding(Enum):
    """When a job begins to get only the time that no other process wants."""

    AT_ONCE = "at once"
    LATER = "later"  # when it has taken LONG
    NEVER = "never"


# Seconds by the clock for which a job waits for time that nobody else wants.
PATIENCE = {Yielding.AT_ONCE: 1.0, Yielding.LATER: 20.0}


class Watched(Protocol):
    """A child."""

    pid: int

    def kill(self) -> None:
        """Kill it."""


class Watch:
    """One job of a child, from `with` to its end. Times are in seconds."""

    def __init__(self, child: Watched, wall_seconds: float, yielding: Yielding) -> None:
        """Kill the child after `wall_seconds` by the clock, let it yield when it should."""
        self.is_yielding = yielding is Yielding.AT_ONCE  # for good
        self.is_starved = False  # it was killed for that
        self.is_too_slow = False  # it was killed for that
        self.spent = 0.0  # of processor time
        self._child = child
        self._yielding = yielding
        self._until = time.monotonic() + wall_seconds
        self._before = self._cpu_seconds()
        self._since = (time.monotonic(), 0.0)  # it yields; and of processor time
        self._processors = processors.Processors()
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
            is_later = self._yielding is Yielding.LATER and not self.is_yielding
            if is_later and self.spent > LONG:
                self.is_yielding, self._since = True, (now, self.spent)
                run_when_idle(self._child.pid)
            if self.is_yielding and self._processors.are_busy():
                self._rest()

    def _rest(self) -> None:
        """Stop the child for a while, which it need not have made use of."""
        start = time.monotonic()
        with stopped(self._child.pid):
            self._over.wait(processors.REST_SECONDS)
        yields_since, spent = self._since
        self._since = (yields_since + time.monotonic() - start, spent)

    def _starves(self, now: float) -> bool:
        """Say whether the child got too little time while it yielded."""
        period_start, spent = self._since
        if not self.is_yielding or now - period_start < PATIENCE[self._yielding]:
            return False
        self._since = (now, self.spent)
        return self.spent - spent < STARVED * (now - period_start)

    def _cpu_seconds(self) -> float:
        try:
            times = psutil.Process(self._child.pid).cpu_times()
        except psutil.Error:
            return self.spent
        return float(times.user + times.system)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process. Its fork server wakes it if we are killed meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def run_when_idle(pid: int) -> None:
    """Give a process only the time that no other wants: what wakes up there does not wait for it.

    sched(7), SCHED_IDLE: a process has no way back from it.
    """
    if hasattr(os, "SCHED_IDLE"):  # Linux; elsewhere its low priority has to do
        with suppress(OSError):  # it has ended
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
