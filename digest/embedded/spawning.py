"""Starts a program: executed, or as a fork of this process where its modules are loaded here.

To load Digest takes a second or two of processor time and 150 MB, and web, worker, beat and inbound
all need it. As forks of `digest up` they start at once and share that memory. Only Linux promises
that a fork works without a new program, and only while there are no other threads; elsewhere each
program is executed. Either way it is `python -m MODULE …` in a session of its own, with its own
environment and log, and ends with the process that started it (Linux).
"""

import ctypes
import os
import runpy
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn, TextIO

from digest.core import env
from digest.embedded.signals import STOPS

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15  # prctl(2)
CAN_FORK = sys.platform.startswith("linux")


@dataclass(frozen=True, slots=True)
class Program:
    """Something to keep running."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    inherits: tuple[int, ...] = ()  # file descriptors, such as a listening socket's
    serves_others: bool = False  # it ends when the others have ended
    is_loaded: bool = False  # the modules of `python -m MODULE …` are loaded here


class Fork:
    """A forked process, with what `subprocess.Popen` tells of one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit status, negative for the signal that ended it; None while it runs."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int | None:
        """Wait for its end; return its exit status."""
        return self._reap(0)

    def _reap(self, flags: int) -> int | None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, flags)
            except ChildProcessError:  # whoever started us ignores SIGCHLD; as Popen has it
                self.returncode = 0
            else:
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode


Process = subprocess.Popen[bytes] | Fork


def spawn(program: Program, log: Path) -> Process:
    """Start a program whose output goes to the end of `log`."""
    with log.open("ab") as out:
        if program.is_loaded and CAN_FORK and threading.active_count() == 1:
            return _fork(program, out)
        return subprocess.Popen(  # noqa: S603  the commands are our own
            program.command,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=program.inherits,
            preexec_fn=_end_with_parent(os.getpid()),  # noqa: PLW1509  no threads here
        )


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    """Return what makes a new process end with `parent`, however that ends (Linux only)."""
    if not CAN_FORK:
        return None
    prctl = ctypes.CDLL(None).prctl

    def end_with_parent() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended in between
            os._exit(1)

    return end_with_parent


def _fork(program: Program, out: IO[bytes]) -> Fork:
    """Fork, and wait until the fork is a process of its own, which signals reach."""
    end_with_parent = _end_with_parent(os.getpid())
    ready, started = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(ready)
        os.close(started)
        raise
    if not pid:
        _become(program, out, started, end_with_parent)
    os.close(started)
    os.read(ready, 1)
    os.close(ready)
    return Fork(pid)


def _become(
    program: Program, out: IO[bytes], started: int, prepare: Callable[[], None] | None
) -> NoReturn:
    """Run a program in this process, a fork. What its parent registered for its exit is left.

    Nothing leads back to the parent's code, which would end what runs: a full disk neither.
    """
    status = 1
    try:
        if prepare:
            prepare()
        _leave_parent(program, out, started)
        os.close(started)
        _prepare_django()
        module, *sys.argv[1:] = program.command[2:]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = _status_of(end)
    except BaseException:  # noqa: BLE001  the interpreter would print it and end
        traceback.print_exc()
    finally:
        try:
            for stream in (sys.stdout, sys.stderr):
                with suppress(Exception):
                    stream.flush()
        finally:
            os._exit(status)


def _leave_parent(program: Program, out: IO[bytes], started: int) -> None:
    """Give up terminal, signal handlers, files and environment of the parent."""
    os.setsid()
    for number in STOPS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor, target in ((null, 0), (out.fileno(), 1), (out.fileno(), 2)):
        os.dup2(descriptor, target)
    for descriptor in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208
        if descriptor > 2 and descriptor not in {null, started, *program.inherits}:
            # Their numbers stay taken: objects of the parent's hold them, and may close them.
            os.dup2(null, descriptor, inheritable=False)
    sys.stdout, sys.stderr = _lines_to(1), _lines_to(2)
    os.environ.clear()
    os.environ.update(program.environment)
    ctypes.CDLL(None).prctl(PR_SET_NAME, f"digest {program.name}".encode())


def _lines_to(descriptor: int) -> TextIO:
    """Return a stream that writes each line at once, as PYTHONUNBUFFERED does."""
    return open(
        descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def _prepare_django() -> None:
    """Let logging, figures and the database be what they are in a process of this environment."""
    import django
    from django.db import connections

    from digest.core.telemetry import BUFFER

    django.setup()
    BUFFER.forget()  # what the parent counted
    connections.settings["default"].update(env.own_database())


def _status_of(end: SystemExit) -> int:
    """Return the exit status that the interpreter would end with; print a message as it would."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)  # noqa: T201
    return 1
