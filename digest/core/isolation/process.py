"""The children that do jobs: forked when first needed, used again, killed when they take too long.

A process of ours has at most `max_children` of an isolation. Each gets one job at a time, and is
replaced after `max_jobs`, so nothing that it keeps can grow. It ends by itself when it has been
idle for a while, or when we are gone. They are forks of a program that has imported the jobs and
does nothing else (`forkserver`): a fork of a process of ours, which has threads, can hang.
"""

import atexit
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from weakref import WeakSet

import structlog

from digest.core.isolation.errors import KilledError, UnavailableError, UnreadableError
from digest.core.isolation.forking import ForkServer
from digest.core.isolation.frames import Status, read_frame, write_frame
from digest.core.isolation.watching import Watch, Yielding, run_when_idle

MAX_ANSWER = 100_000_000  # bytes
BUSY_SECONDS = 60.0  # for which a machine without time to spare is not asked for it again
_BUSY = "This machine is too busy to read this now; try again later."

log = structlog.get_logger(__name__)


class _LeftError(UnavailableError):
    """The child had ended because it was idle, so before it read the job."""


class _StarvedError(UnavailableError):
    """The machine has no time that nobody else wants."""


@dataclass(slots=True)
class Limits:
    """What one job may take, and how many children there are."""

    cpu_seconds: int = 10  # of processor time
    memory: int = 512 * 1024**2  # bytes of address space, the interpreter included
    # By the clock, for each of three attempts: for a busy machine, as a child has a low priority.
    wall_seconds: float = 120.0
    max_children: int = 2
    max_jobs: int = 200


class Isolation:
    """Children that do the jobs of one module, named like `digest.articles.isolation.jobs`."""

    def __init__(self, module: str, limits: Limits | None = None) -> None:
        self.module = module
        self.limits = limits or Limits()
        self.children = Children(self)
        self._busy_until = 0.0  # time.monotonic()
        _isolations.add(self)

    def run(self, job: str, body: bytes, **details: object) -> bytes:
        """Let a child do a job with bytes; `details` are JSON. Return its answer.

        Raises UnreadableError with the child's message, KilledError if a limit is exceeded,
        UnavailableError if no child can be started or the machine is too busy.
        """
        request = json.dumps({"job": job, **details}).encode()
        is_busy = time.monotonic() < self._busy_until
        for yielding in list(Yielding)[is_busy:]:
            try:
                return self._run(request, body, yielding)
            except _StarvedError:
                self._busy_until = time.monotonic() + BUSY_SECONDS
        raise UnavailableError(_BUSY)

    def _run(self, request: bytes, body: bytes, yielding: Yielding) -> bytes:
        for _ in range(2):
            with self.children.borrow(yielding) as child, suppress(_LeftError):
                return child.exchange(request, body, yielding)
        raise UnavailableError(_BUSY)


class Child:
    """One child, for one job at a time."""

    def __init__(self, isolation: Isolation, server: ForkServer, yielding: Yielding) -> None:
        """Fork it. Raises UnavailableError."""
        self.isolation = isolation
        self.pid, self._channel = server.fork()
        self.yields_always = yielding is Yielding.AT_ONCE
        if self.yields_always:
            run_when_idle(self.pid)
        self.jobs = 0
        self.sound = False  # waits for a job; anything else is the end of it
        self._server = server
        self._code: int | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether it still waits for a job."""
        try:
            return bool(self._channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def exchange(self, request: bytes, body: bytes, yielding: Yielding) -> bytes:
        """Return the answer.

        Raises as `Isolation.run` does.
        """
        self.sound = False
        with Watch(self, self.isolation.limits.wall_seconds, yielding) as watch:
            frame = self._transfer(request, body)
        if frame is None:
            raise self._problem(watch)
        self.jobs += 1
        status, answer = frame[:1], frame[1:]
        has_changed = watch.is_yielding and not self.yields_always
        is_usable = self.jobs < self.isolation.limits.max_jobs and not has_changed
        self.sound = status in {Status.RESULT, Status.PROBLEM} and is_usable
        if status == Status.RESULT:
            return answer
        message = answer.decode(errors="replace")
        if status == Status.PROBLEM:
            raise UnreadableError(message)
        if status == Status.MEMORY:
            raise KilledError("This takes too much memory to read.")
        log.error("job in a child failed", jobs=self.isolation.module, problem=message)
        raise UnreadableError(f"Something unforeseen went wrong here ({message.split(':')[0]}).")

    def kill(self) -> None:
        """Kill it: whoever waits for its answer gets none."""
        self._server.kill(self.pid)

    def end(self) -> int:
        """End it now; return its exit code."""
        self.sound = False
        if self._code is None:
            self._code = self._server.end(self.pid)
            self.close()
        return self._code

    def close(self) -> None:
        """Close our end of its socket."""
        self._channel.close()

    def _transfer(self, request: bytes, body: bytes) -> bytes | None:
        """Return the answer; None if the child ended before it had given one."""
        channel = self._channel.fileno()
        try:
            write_frame(channel, request)
            write_frame(channel, body)
            return read_frame(channel, MAX_ANSWER) or None
        except OSError:
            return None

    def _problem(self, watch: Watch) -> KilledError | UnavailableError:
        """Return why it gave no answer, as an error."""
        code = self.end()
        if watch.is_starved:
            return _StarvedError(_BUSY)
        if watch.is_too_slow and watch.spent < self.isolation.limits.cpu_seconds / 2:
            return UnavailableError(_BUSY)
        if code == 0:
            return _LeftError(_BUSY)
        log.warning("child killed", jobs=self.isolation.module, code=code, slow=watch.is_too_slow)
        return KilledError("This takes too much time or memory to read.")


class Children:
    """The children of an isolation in this process."""

    def __init__(self, isolation: Isolation) -> None:
        self._isolation = isolation
        self._idle: list[Child] = []
        self._server: ForkServer | None = None
        self._starting = threading.Lock()
        self._places = threading.BoundedSemaphore(isolation.limits.max_children)

    @contextmanager
    def borrow(self, yielding: Yielding) -> Iterator[Child]:
        """Lend an idle child, or a new one; one that is not sound afterwards is ended.

        Raises UnavailableError if all stay busy.
        """
        if not self._places.acquire(timeout=self._isolation.limits.wall_seconds):
            raise UnavailableError("Too much else is being read now; try again in a minute.")
        child = None
        try:
            child = self._take(yielding) or Child(self._isolation, self._running_server(), yielding)
            yield child
        finally:
            if child and child.sound:
                self._idle.append(child)
            elif child:
                child.end()
            self._places.release()

    def forget(self) -> None:
        """Leave them to the process that we were forked from."""
        for child in self._idle:
            child.close()
        if self._server:
            self._server.close()
        self.__init__(self._isolation)  # type: ignore[misc]

    def end(self) -> None:
        """End those that are idle, and the fork server."""
        for yielding in Yielding:
            while child := self._take(yielding):
                child.end()
        if self._server:
            self._server.stop()

    def _take(self, yielding: Yielding) -> Child | None:
        """Return an idle child that yields always, or one that does not; None without one."""
        always = yielding is Yielding.AT_ONCE
        for child in [child for child in self._idle if child.yields_always == always]:
            self._idle.remove(child)
            if child.is_waiting:
                return child
            child.end()
        return None

    def _running_server(self) -> ForkServer:
        """Return the fork server, which is started if need be. Raises UnavailableError."""
        limits = self._isolation.limits
        with self._starting:
            if self._server is None or not self._server.is_running:
                self._server = ForkServer(
                    self._isolation.module, limits.cpu_seconds, limits.memory, limits.wall_seconds
                )
            return self._server


_isolations: WeakSet[Isolation] = WeakSet()


def _forget() -> None:
    for isolation in _isolations:
        isolation.children.forget()


def end_children() -> None:
    """End the children of all isolations here; the next job starts them again."""
    for isolation in _isolations:
        isolation.children.end()


os.register_at_fork(after_in_child=_forget)
atexit.register(end_children)
