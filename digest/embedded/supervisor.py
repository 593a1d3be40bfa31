"""Keeps a handful of processes running, and ends every one of them.

Each program runs in a session of its own, so Ctrl-C in the terminal reaches only the supervisor.
One that ends is started again; one that keeps ending is given up, with the last lines of its log.
On Linux the programs also end when the supervisor is killed; everywhere, the next start ends what
an earlier one left running (`end_leftovers`).
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from digest.embedded.errors import EmbeddedError
from digest.embedded.logs import last_lines, shorten

TICK = 0.25  # seconds between two looks
GRACE = 12.0  # seconds from SIGTERM to SIGKILL
TOO_OFTEN = 5  # ends within WINDOW seconds: given up
WINDOW = 60.0
PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(frozen=True, slots=True)
class Program:
    """Something to keep running."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    inherits: tuple[int, ...] = ()  # file descriptors, such as a listening socket's
    serves_others: bool = False  # it ends when the others have ended


@dataclass(slots=True)
class Child:
    """A program, and the process that runs it now."""

    program: Program
    log: Path
    process: subprocess.Popen[bytes]
    ends: deque[float] = field(default_factory=lambda: deque(maxlen=TOO_OFTEN))


class Supervisor:
    """The processes of one `digest up`."""

    def __init__(
        self,
        folder: Path,
        say: Callable[[str], None],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Keep logs in `folder`/logs and the list of processes in `folder`/up.processes.

        `pause` is called between looks, with seconds; it may raise to end the looking.
        """
        self.logs = folder / "logs"
        self.register = folder / "up.processes"
        self.say = say
        self.pause = pause
        self.children: list[Child] = []
        self.logs.mkdir(mode=0o700, exist_ok=True)

    def start(self, program: Program) -> None:
        """Start a program; its output goes to logs/NAME.log."""
        log = self.logs / f"{program.name}.log"
        self.children.append(Child(program, log, _spawn(program, log)))
        self._write_register()

    def look(self) -> None:
        """Start again what has ended; raise EmbeddedError about what keeps ending."""
        for child in self.children:
            shorten(child.log)
            if child.process.poll() is not None:
                self._revive(child)

    def wait_until(self, ready: Callable[[], bool], description: str, seconds: float) -> None:
        """Look after the programs until `ready`; raise EmbeddedError if that takes too long."""
        give_up = time.monotonic() + seconds
        while not ready():
            self.look()
            if time.monotonic() > give_up:
                raise EmbeddedError(
                    f"{description} is not ready after {seconds:.0f} s; see {self.logs}."
                )
            self.pause(TICK)

    def stop(self, *, hurry: Callable[[], bool] = lambda: False) -> None:
        """End every process: SIGTERM, then SIGKILL to its group after GRACE or when in a hurry.

        Those that serve others come last: a worker finishes its work with them.
        """
        for serves_others in (False, True):
            _end(
                [row for row in self.children if row.program.serves_others is serves_others], hurry
            )
        for child in self.children:
            # The group outlives its leader where the leader left children of its own behind.
            _signal_group(child.process.pid, signal.SIGKILL)
            child.process.wait()
        self.children.clear()
        self.register.unlink(missing_ok=True)

    def _revive(self, child: Child) -> None:
        name, status = child.program.name, _describe_status(child.process.returncode)
        _signal_group(child.process.pid, signal.SIGKILL)
        child.ends.append(time.monotonic())
        if len(child.ends) == TOO_OFTEN and child.ends[-1] - child.ends[0] < WINDOW:
            last_output = "\n".join(f"    {line}" for line in last_lines(child.log))
            raise EmbeddedError(f"{name} keeps ending ({status}). Its log ends:\n{last_output}")
        self.say(f"{name} ended ({status}); started again. Its log: {child.log}")
        self.pause(0.2 * len(child.ends))
        child.process = _spawn(child.program, child.log)
        self._write_register()

    def _write_register(self) -> None:
        rows = [(pid, _born(pid)) for pid in (child.process.pid for child in self.children)]
        self.register.write_text(json.dumps(rows))


def _end(children: Sequence[Child], hurry: Callable[[], bool]) -> None:
    """Ask processes to end, the last one first, and give them some time."""
    for child in reversed(children):
        _signal_group(child.process.pid, signal.SIGTERM)
    give_up = time.monotonic() + GRACE
    while any(child.process.poll() is None for child in children):
        if hurry() or time.monotonic() > give_up:
            break
        time.sleep(0.05)


def end_leftovers(folder: Path) -> int:
    """End processes that an earlier, killed supervisor of `folder` left running; say how many."""
    register = folder / "up.processes"
    try:
        rows: Iterable[tuple[int, float]] = json.loads(register.read_text())
    except (OSError, ValueError):
        return 0
    left = [pid for pid, born in rows if born and _born(pid) == born]
    for pid in left:
        _signal_group(pid, signal.SIGKILL)
    register.unlink(missing_ok=True)
    return len(left)


def _spawn(program: Program, log: Path) -> subprocess.Popen[bytes]:
    shorten(log)
    with log.open("ab") as out:
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
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl

    def end_with_parent() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended in between
            os._exit(1)

    return end_with_parent


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _born(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def _describe_status(status: int | None) -> str:
    if status is not None and status < 0:
        return signal.Signals(-status).name
    return f"exit status {status}"
