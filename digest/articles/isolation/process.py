"""The children that parse: started when first needed, used again, killed when they take too long.

A process of ours has at most MAX_CHILDREN. Each gets one document at a time, and is replaced after
MAX_DOCUMENTS, so nothing that it keeps can grow. It ends by itself when it has been idle for a
while, or when we are gone. They are new programs, never forks: a fork of a process with threads can
hang.
"""

import atexit
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import structlog

from digest.articles.errors import ParseError, ParserKilledError, ParserUnavailableError
from digest.articles.isolation.child import Status

MAX_CHILDREN = 2
MAX_DOCUMENTS = 200
CPU_SECONDS = 10  # of processor time for a document; a feed of 5 MB takes three
MEMORY = 512 * 1024**2  # bytes of address space, the interpreter included
# For a busy machine: a child has a low priority. Its own limit is processor time.
WALL_SECONDS = 60.0
MAX_ANSWER = 100_000_000  # bytes

_PROGRAM = Path(__file__).with_name("child.py")
_ROOT = Path(__file__).parents[3]
_LENGTH = struct.Struct("!I")

log = structlog.get_logger(__name__)


class _EndedError(Exception):
    """The child ended before it answered."""


def ask(job: str, body: bytes, **details: str | None) -> bytes:
    """Let a child do a job with a document; return its answer, which is JSON.

    Raises ParseError with the child's message, ParserKilledError if the document exceeds a limit,
    ParserUnavailableError if no child can be started or the machine is too busy.
    """
    request = json.dumps({"job": job, **details}).encode()
    with _children.borrow() as child:
        with suppress(_EndedError):
            return child.ask(request, body)
        if not child.left():
            raise child.problem()
    with _children.borrow() as child:  # the other one left because it had nothing to do
        try:
            return child.ask(request, body)
        except _EndedError:
            raise child.problem() from None


class Child:
    """One child, for one document at a time."""

    def __init__(self) -> None:
        """Start it and wait until it is ready. Raises ParserUnavailableError."""
        self.documents = 0
        self.sound = False  # waiting for a document; anything else is the end of it
        self._too_slow = False
        self._spent = 0.0  # seconds of processor time
        try:
            self.process = subprocess.Popen(  # noqa: S603  our own interpreter and file
                [
                    sys.executable,
                    "-I",
                    "-X",
                    "utf8",
                    str(_PROGRAM),
                    str(_ROOT),
                    str(CPU_SECONDS),
                    str(MEMORY),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={},
            )
        except OSError as cause:
            raise ParserUnavailableError(f"The parser cannot be started: {cause}.") from cause
        # Somebody has to wait for it, or it stays in the process table when it ends by itself.
        threading.Thread(target=self.process.wait, name="parser", daemon=True).start()
        self._wait_until_ready()

    def ask(self, request: bytes, body: bytes) -> bytes:
        """Return the answer. Raises as the function `ask` does, _EndedError if there is none."""
        self.sound = False
        with self._deadline():
            self._write(request)
            self._write(body)
            status, answer = self._read()
        self.documents += 1
        self.sound = status in {Status.RESULT, Status.PROBLEM} and self.documents < MAX_DOCUMENTS
        if status == Status.RESULT:
            return answer
        message = answer.decode(errors="replace")
        if status == Status.PROBLEM:
            raise ParseError(message)
        if status == Status.MEMORY:
            raise ParserKilledError
        log.error("parser failed", problem=message)
        raise ParseError(f"Something unforeseen went wrong here ({message.split(':')[0]}).")

    def left(self) -> bool:
        """Return whether it has ended because it was idle, so before it read the document."""
        return self._code() == 0

    def problem(self) -> ParserKilledError | ParserUnavailableError:
        """Return why it has ended, as an error."""
        code = self._code()
        if self._too_slow and self._spent < CPU_SECONDS / 2:
            return ParserUnavailableError(
                "This machine is too busy to read the document; it is tried again later."
            )
        log.warning("parser killed", code=code, too_slow=self._too_slow)
        return ParserKilledError()

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
            with self._deadline():
                status, message = self._read()
        except _EndedError:
            status, message = b"", f"it ended with code {self._code()}".encode()
        self.sound = status == Status.RESULT
        if not self.sound:
            self.end()
            raise ParserUnavailableError(f"The parser cannot be started: {message.decode()}.")

    @contextmanager
    def _deadline(self) -> Iterator[None]:
        """Kill the child after WALL_SECONDS."""
        before = self._cpu_seconds()

        def stop() -> None:
            self._too_slow = True
            self._spent = self._cpu_seconds() - before
            self.process.kill()

        timer = threading.Timer(WALL_SECONDS, stop)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

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


class Children:
    """The children of this process."""

    def __init__(self) -> None:
        self._idle: list[Child] = []
        self._places = threading.BoundedSemaphore(MAX_CHILDREN)

    @contextmanager
    def borrow(self) -> Iterator[Child]:
        """Lend an idle child, or a new one; one that is not sound afterwards is ended.

        Raises ParserUnavailableError if all stay busy.
        """
        if not self._places.acquire(timeout=WALL_SECONDS):
            raise ParserUnavailableError("Other documents are being read; try again in a minute.")
        child = None
        try:
            child = self._take() or Child()
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
        self.__init__()  # type: ignore[misc]

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


_children = Children()


def _forget() -> None:
    _children.forget()


def _end() -> None:
    _children.end()


os.register_at_fork(after_in_child=_forget)
atexit.register(_end)
