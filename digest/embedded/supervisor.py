"""Keeps a handful of processes running, and ends every one of them.

Each program runs in a session of its own, so Ctrl-C in the terminal reaches only the supervisor.
One that ends is started again; one that keeps ending is given up, with the last lines of its log.
On Linux the programs also end when the supervisor is killed; everywhere, the next start ends what
an earlier one left running (`end_leftovers`).
"""

import contextlib
import json
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from digest.embedded.checks import write_private
from digest.embedded.errors import EmbeddedError
from digest.embedded.logs import last_lines, shorten
from digest.embedded.spawning import Process, Program, spawn

TICK = 0.25  # seconds between two looks
SHORT_TICK = 0.05  # the same, while somebody waits for a program to be ready
GRACE = 12.0  # seconds from SIGTERM to SIGKILL
TOO_OFTEN = 5  # ends within WINDOW seconds: given up
WINDOW = 60.0


@dataclass(slots=True)
class Child:
    """A program, and the process that runs it now."""

    program: Program
    log: Path
    process: Process
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
            self.pause(SHORT_TICK)

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
        try:
            child.process = _spawn(child.program, child.log)
        except OSError as problem:  # there may be too many processes; the next look tries again
            self.say(f"{name} could not be started ({problem.strerror}).")
            return
        with contextlib.suppress(OSError):  # a full disk; then it has the pids of before
            self._write_register()

    def _write_register(self) -> None:
        rows = [(pid, _born(pid)) for pid in (child.process.pid for child in self.children)]
        write_private(self.register, json.dumps(rows))


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


def _spawn(program: Program, log: Path) -> Process:
    shorten(log)
    return spawn(program, log)


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
