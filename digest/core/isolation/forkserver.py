"""The program that `forking` starts: imports the jobs once, then forks a child for each request.

It has no threads, so a fork of it cannot hang as one of a worker can, and it reads nothing that a
stranger sent. A request comes through a socket, its answer is a number:

    nothing                    the first answer comes by itself: READY when the imports are done,
                               or FAILED and a message
    FORK and a socket          the child gets its jobs through that; the answer is its pid
    END and a pid              kills that child if it still runs; the answer is its exit code, or
                               the number of the signal that ended it, negative

A child stays in the process table until END, so its pid is nobody else's before.
"""

import gc
import importlib
import os
import select
import signal
import socket
import struct
from typing import Any

from digest.core.isolation import child

# A source is polled every 15 minutes, and starting again costs more than most documents.
IDLE_SECONDS = 20 * 60
REQUEST = struct.Struct("!ci")  # FORK or END, and a pid
ANSWER = struct.Struct("!i")
FORK, END = b"f", b"e"
READY, FAILED = 0, -(2**31)


def main(control: int, module: str, cpu_seconds: int, memory: int) -> None:
    """Get ready, then do what is requested until there is nothing to do any more."""
    with socket.socket(fileno=control) as parent:
        try:
            jobs = importlib.import_module(module)
            jobs.warm_up()
        except Exception as problem:  # noqa: BLE001  told to whoever started us
            parent.sendall(ANSWER.pack(FAILED) + repr(problem).encode())
            return
        gc.collect()
        gc.freeze()  # so that a child's collector does not write to memory that it shares with us
        parent.sendall(ANSWER.pack(READY))
        server = _ForkServer(parent, jobs, cpu_seconds, memory)
        while server.serve():
            pass


class _ForkServer:
    """The children that were forked, and how to fork another."""

    def __init__(self, parent: socket.socket, jobs: Any, cpu_seconds: int, memory: int) -> None:
        self.parent = parent
        self.jobs = jobs
        self.cpu_seconds = cpu_seconds
        self.memory = memory
        self.pids: set[int] = set()

    def serve(self) -> bool:
        """Do what is requested next; return False when there is nothing to do any more."""
        if not select.select([self.parent], [], [], IDLE_SECONDS)[0]:
            return any(map(_is_running, self.pids))
        request, descriptors, _, _ = socket.recv_fds(self.parent, REQUEST.size, 1)
        if len(request) < REQUEST.size:  # whoever started us is gone
            self._wake()
            return False
        kind, pid = REQUEST.unpack(request)
        answer = self._fork(*descriptors) if kind == FORK else self._end(pid)
        self.parent.sendall(ANSWER.pack(answer))
        return True

    def _fork(self, channel: int) -> int:
        try:
            pid = os.fork()
        except OSError:
            pid = FAILED
        if not pid:
            self._become_child(channel)
        os.close(channel)
        self.pids |= {pid} - {FAILED}
        return pid

    def _become_child(self, channel: int) -> None:
        code = 1
        try:
            self.parent.close()
            child.work(self.jobs, channel, self.cpu_seconds, self.memory)
            code = 0
        finally:
            os._exit(code)

    def _wake(self) -> None:
        """Let children that rest see for themselves that nobody wants their answers any more."""
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)

    def _end(self, pid: int) -> int:
        self.pids.remove(pid)
        os.kill(pid, signal.SIGKILL)  # changes nothing for a child that has ended already
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _is_running(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
