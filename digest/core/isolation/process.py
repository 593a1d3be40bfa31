"""The children that do jobs: started when first needed, used again, killed when they take too long.

A process of ours has at most `max_children` of an isolation. Each gets one job at a time, and is
replaced after `max_jobs`, so nothing that it keeps can grow. It ends by itself when it has been
idle for a while, or when we are gone. They are new programs, never forks: a fork of a process with
threads can hang.
"""

import atexit
import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakSet

import psutil
import structlog

from digest.core.isolation.child import Status
from digest.core.isolation.errors import KilledError, UnavailableError, UnreadableError

MAX_ANSWER = 100_000_000  # bytes
LONG = 1.0  # seconds of processor time: more than nearly every feed and page takes
CHECK_SECONDS = 0.25  # between two looks at what a job has taken

_SCRIPT = Path(__file__).with_name("child.py")
_ROOT = Path(__file__).parents[3]
_LENGTH = struct.Struct("!I")

log = structlog.get_logger(__name__)


class _EndedError(Exception):
    """The child ended before it answered."""


@dataclass(slots=True)
class Limits:
    """What one job may take, and how many children there are."""

    cpu_seconds: int = 10  # of processor time
    memory: int = 512 * 1024**2  # bytes of address space, the interpreter included
    # For a busy machine: a child has a low priority. Its own limit is processor time.
    wall_seconds: float = 60.0
    max_children: int = 2
    max_jobs: int = 200


class Isolation:
    """Children that do the jobs of one module, named like `digest.articles.isolation.jobs`."""

    def __init__(self, module: str, limits: Limits | None = None) -> None:
        self.module = module
        self.limits = limits or Limits()
        self.children = Children(self)
        _isolations.add(self)

    def run(self, job: str, body: bytes, **details: object) -> bytes:
        """Let a child do a job with bytes; `details` are JSON. Return its answer.

        Raises UnreadableError with the child's message, KilledError if a limit is exceeded,
        UnavailableError if no child can be started or the machine is too busy.
        """
        request = json.dumps({"job": job, **details}).encode()
        with self.children.borrow() as child:
            with suppress(_EndedError):
                return child.exchange(request, body)
            if not child.left():
                raise child.problem()
        with self.children.borrow() as child:  # the other one left because it had nothing to do
            try:
                return child.exchange(request, body)
            except _EndedError:
                raise child.problem() from None


class Child:
    """One child, for one job at a time."""

    def __init__(self, isolation: Isolation) -> None:
        """Start it and wait until it is ready. Raises UnavailableError."""
        self.isolation = isolation
        self.jobs = 0
        self.sound = False  # waiting for a job; anything else is the end of it
        self._is_ready = False
        self._too_slow = False
        self._long = False  # gets only the time that nobody else wants
        self._spent = 0.0  # seconds of processor time
        try:
            self.process = subprocess.Popen(  # noqa: S603  our own interpreter and file
                [
                    sys.executable,
                    "-I",
                    "-X",
                    "utf8",
                    str(_SCRIPT),
                    str(_ROOT),
                    isolation.module,
                    str(isolation.limits.cpu_seconds),
                    str(isolation.limits.memory),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={},
            )
        except OSError as cause:
            raise UnavailableError(
                f"The process that reads this cannot be started: {cause}."
            ) from cause
        # Somebody has to wait for it, or it stays in the process table when it ends by itself.
        threading.Thread(target=self.process.wait, name="isolation", daemon=True).start()
        self._wait_until_ready()

    def exchange(self, request: bytes, body: bytes) -> bytes:
        """Return the answer. Raises as `Isolation.run` does, _EndedError if there is none."""
        self.sound = False
        with self._watched():
            self._write(request)
            self._write(body)
            status, answer = self._read()
        self.jobs += 1
        is_young = self.jobs < self.isolation.limits.max_jobs
        is_usable = is_young and not self._long
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

    def left(self) -> bool:
        """Return whether it has ended because it was idle, so before it read the job."""
        return self._code() == 0

    def problem(self) -> KilledError | UnavailableError:
        """Return why it has ended, as an error."""
        code = self._code()
        if self._too_slow and self._spent < self.isolation.limits.cpu_seconds / 2:
            return UnavailableError("This machine is too busy to read this now; try again later.")
        log.warning("child killed", jobs=self.isolation.module, code=code, slow=self._too_slow)
        return KilledError("This takes too much time or memory to read.")

    def end(self) -> None:
        """End it now, and wait for its end."""
        self.sound = False
        self.process.kill()
        self.process.wait()
        self.close()

    def close(self) -> None:
        """Close our ends of the pipes."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()

    def _wait_until_ready(self) -> None:
        try:
            with self._watched():
                status, message = self._read()
        except _EndedError:
            status, message = b"", f"it ended with code {self._code()}".encode()
        self.sound = self._is_ready = status == Status.RESULT
        if not self.sound:
            self.end()
            raise UnavailableError(
                f"The process that reads this cannot be started: {message.decode()}."
            )

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Let others go first once a job has taken long; kill the child after `wall_seconds`."""
        over = threading.Event()
        arguments = (over, self._cpu_seconds())
        threading.Thread(target=self._watch, args=arguments, name="isolation", daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def _watch(self, over: threading.Event, before: float) -> None:
        until = time.monotonic() + self.isolation.limits.wall_seconds
        while not over.wait(max(0, min(CHECK_SECONDS, until - time.monotonic()))):
            spent = self._cpu_seconds() - before
            if time.monotonic() >= until:
                self._too_slow = True
                self._spent = spent
                self.process.kill()
                return
            if self._is_ready and spent > LONG and not self._long:
                self._long = True
                _run_when_idle(self.process.pid)

    def _cpu_seconds(self) -> float:
        try:
            times = psutil.Process(self.process.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def _code(self) -> int:
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(1)
        self.process.kill()
        return self.process.wait()

    def _write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        view = memoryview(_LENGTH.pack(len(data)) + data)
        try:
            while view:
                view = view[self.process.stdin.write(view) or 0 :]
        except OSError as cause:
            raise _EndedError from cause

    def _read(self) -> tuple[bytes, bytes]:
        """Return the status and the rest of an answer."""
        length = _LENGTH.unpack(self._read_exactly(_LENGTH.size))[0]
        if not 0 < length <= MAX_ANSWER:
            self.process.kill()
            raise _EndedError
        answer = self._read_exactly(length)
        return answer[:1], answer[1:]

    def _read_exactly(self, size: int) -> bytes:
        assert self.process.stdout is not None
        data = bytearray()
        while len(data) < size:
            piece = self.process.stdout.read(min(size - len(data), 1 << 20))
            if not piece:
                raise _EndedError
            data += piece
        return bytes(data)


def _run_when_idle(pid: int) -> None:
    """Give a process only the time that no other wants: what wakes up there does not wait for it.

    sched(7), SCHED_IDLE: a process has no way back from it, so its child is not used again.
    """
    if hasattr(os, "SCHED_IDLE"):  # Linux; elsewhere its low priority has to do
        with suppress(OSError):  # it has ended
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


class Children:
    """The children of an isolation in this process."""

    def __init__(self, isolation: Isolation) -> None:
        self._isolation = isolation
        self._idle: list[Child] = []
        self._places = threading.BoundedSemaphore(isolation.limits.max_children)

    @contextmanager
    def borrow(self) -> Iterator[Child]:
        """Lend an idle child, or a new one; one that is not sound afterwards is ended.

        Raises UnavailableError if all stay busy.
        """
        if not self._places.acquire(timeout=self._isolation.limits.wall_seconds):
            raise UnavailableError("Too much else is being read now; try again in a minute.")
        child = None
        try:
            child = self._take() or Child(self._isolation)
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
        self.__init__(self._isolation)  # type: ignore[misc]

    def end(self) -> None:
        """End those that are idle."""
        while child := self._take():
            child.end()

    def _take(self) -> Child | None:
        while self._idle:
            child = self._idle.pop()
            if child.process.poll() is None:
                return child
            child.close()
        return None


_isolations: WeakSet[Isolation] = WeakSet()


def _forget() -> None:
    for isolation in _isolations:
        isolation.children.forget()


def _end() -> None:
    for isolation in _isolations:
        isolation.children.end()


os.register_at_fork(after_in_child=_forget)
atexit.register(_end)
