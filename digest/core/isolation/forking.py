"""Our side of a fork server (`forkserver`): starts it, and has it fork and end children."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

from digest.core.isolation.errors import UnavailableError
from digest.core.isolation.forkserver import ANSWER, END, FAILED, FORK, READY, REQUEST

PRIORITY = 15  # added to the niceness: what is read can wait, mail can not
LEFT = 0  # the exit code of a child whose fork server has ended: it had nothing to do

_ROOT = Path(__file__).parents[3]
# The priority comes first: the imports take longer than most documents.
_SCRIPT = """
import os, sys
os.nice(int(sys.argv[1]))
sys.path.insert(0, sys.argv[2])
from digest.core.isolation import forkserver
forkserver.main(int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
"""
_UNAVAILABLE = "The process that reads this cannot be started: {}."


class ForkServer:
    """A process that has imported a module of jobs, and forks children that do them."""

    def __init__(self, module: str, cpu_seconds: int, memory: int, seconds: float) -> None:
        """Start it and wait until it is ready, at most so long. Raises UnavailableError.

        `cpu_seconds` and `memory` are limits of its children: of processor time for each job, and
        of bytes of address space.
        """
        self._lock = threading.Lock()
        self._control, remote = socket.socketpair()
        self._control.settimeout(seconds)
        with remote:
            self._process = self._start(remote.fileno(), module, cpu_seconds, memory)
        # Somebody has to wait for it, or it stays in the process table when it ends by itself.
        self._waiting = threading.Thread(target=self._process.wait, name="isolation", daemon=True)
        self._waiting.start()
        self._wait_until_ready()

    @property
    def is_running(self) -> bool:
        """Whether it can fork."""
        return self._process.poll() is None

    def fork(self) -> tuple[int, socket.socket]:
        """Fork a child; return its pid, and our end of its socket. Raises UnavailableError."""
        channel, remote = socket.socketpair()
        with ExitStack() as stack:
            stack.enter_context(channel)
            with remote:
                pid = self._request(FORK, 0, remote.fileno())
            if pid == FAILED:
                raise UnavailableError(_UNAVAILABLE.format("there are too many processes"))
            stack.pop_all()
        return pid, channel

    def kill(self, pid: int) -> None:
        """Kill a child at once; it still has to be ended."""
        if self.is_running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def end(self, pid: int) -> int:
        """End a child; return its exit code, negative for the signal that killed it."""
        try:
            return self._request(END, pid)
        except UnavailableError:
            return LEFT

    def close(self) -> None:
        """Close our end: it ends by itself if no process of ours has another."""
        self._control.close()

    def stop(self) -> None:
        """End it now, and wait for its end; its children end when their sockets are closed."""
        self.close()
        self._process.kill()
        self._process.wait()
        self._waiting.join()

    def _start(
        self, control: int, module: str, cpu_seconds: int, memory: int
    ) -> "subprocess.Popen[bytes]":
        arguments = (PRIORITY, _ROOT, control, module, cpu_seconds, memory)
        try:
            return subprocess.Popen(  # noqa: S603  our own interpreter and code
                [sys.executable, "-I", "-X", "utf8", "-c", _SCRIPT, *map(str, arguments)],
                pass_fds=[control],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
            )
        except OSError as cause:
            self._control.close()
            raise UnavailableError(_UNAVAILABLE.format(cause)) from cause

    def _wait_until_ready(self) -> None:
        try:
            if self._receive() == READY:
                return
            with self._control.makefile("rb") as stream:
                problem = stream.read().decode(errors="replace")
        except (EOFError, OSError) as cause:
            problem = str(cause)
        self.stop()
        raise UnavailableError(_UNAVAILABLE.format(problem))

    def _request(self, kind: bytes, pid: int, *descriptors: int) -> int:
        """Return the answer to a request. Raises UnavailableError if there is none."""
        try:
            with self._lock:
                socket.send_fds(self._control, [REQUEST.pack(kind, pid)], descriptors)
                return self._receive()
        except (EOFError, OSError) as cause:
            self.stop()  # whatever it answers later would be taken for another answer
            raise UnavailableError(_UNAVAILABLE.format(cause)) from cause

    def _receive(self) -> int:
        data = b""
        while len(data) < ANSWER.size:
            piece = self._control.recv(ANSWER.size - len(data))
            if not piece:
                raise EOFError("it has ended")
            data += piece
        answer: int = ANSWER.unpack(data)[0]
        return answer
