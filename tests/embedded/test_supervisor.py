"""Programs are kept running, given up when they keep ending, and ended together."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from digest.embedded import checks
from digest.embedded.errors import EmbeddedError
from digest.embedded.logs import last_lines, shorten
from digest.embedded.spawning import Program
from digest.embedded.supervisor import Supervisor, end_leftovers

SLEEPS = "import time; print('here', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(15, signal.SIG_IGN); {SLEEPS}"
WITH_A_CHILD = f"import subprocess,sys; subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]).wait()"


def python(name: str, code: str) -> Program:
    """A program that runs a few lines of Python."""
    return Program(name, [sys.executable, "-c", code], os.environ)


def until(fact: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something holds."""
    give_up = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def output() -> list[str]:
    """What the supervisor told its person."""
    return []


@pytest.fixture
def supervisor(tmp_path: Path, output: list[str]) -> Iterator[Supervisor]:
    """A supervisor that is stopped, in a hurry, at the end."""
    running_supervisor = Supervisor(tmp_path, output.append)
    yield running_supervisor
    running_supervisor.stop(hurry=lambda: True)


def test_a_process_that_ends_is_started_again_and_said_so(
    supervisor: Supervisor, output: list[str]
) -> None:
    """Killing the web process costs a line on the terminal and nothing else."""
    supervisor.start(python("web", SLEEPS))
    first = supervisor.children[0].process.pid
    os.kill(first, signal.SIGKILL)

    def look() -> list[str]:
        supervisor.look()
        return output

    until(look)
    assert supervisor.children[0].process.pid != first
    assert "web ended (SIGKILL); started again" in output[0]


def test_who_calls_while_a_process_starts_again_is_answered(supervisor: Supervisor) -> None:
    """It inherits the listening socket, so nobody is turned away in between."""
    code = "import socket; socket.socket(fileno={}).accept()[0].send(b'here')"
    with checks.listen("127.0.0.1", 0, "--port") as listener:
        fd = listener.fileno()
        supervisor.start(replace(python("mailbox", code.format(fd)), inherits=(fd,)))
        process = supervisor.children[0].process
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with socket.create_connection(listener.getsockname(), timeout=10) as caller:
            supervisor.look()
            assert caller.recv(10) == b"here"


def test_a_process_that_keeps_ending_is_given_up_with_its_last_words(
    supervisor: Supervisor,
) -> None:
    """Who sees it learns why without looking for the log."""
    supervisor.start(python("worker", "import sys; sys.exit('no such queue')"))

    def look() -> bool:
        supervisor.look()
        return False

    with pytest.raises(
        EmbeddedError, match=r"worker keeps ending \(exit status 1\)[^$]*no such queue"
    ):
        until(look)


def test_stopping_ends_children_of_children_too(supervisor: Supervisor, tmp_path: Path) -> None:
    """No process of any group is left."""
    supervisor.start(python("worker", WITH_A_CHILD))
    leader = psutil.Process(supervisor.children[0].process.pid)
    until(leader.children)
    family = [leader, *leader.children(recursive=True)]
    supervisor.stop()
    until(lambda: not any(process.is_running() for process in family))
    assert not (tmp_path / "up.processes").exists()


def test_in_a_hurry_the_stubborn_are_killed(supervisor: Supervisor) -> None:
    """A second Ctrl-C does not wait for those that ignore SIGTERM."""
    supervisor.start(python("beat", STUBBORN))
    until(lambda: supervisor.children[0].log.read_text() == "here\n")
    process = supervisor.children[0].process
    start = time.monotonic()
    supervisor.stop(hurry=lambda: True)
    assert process.returncode == -signal.SIGKILL
    assert time.monotonic() - start < 5


def test_a_terminal_signal_reaches_only_the_supervisor(supervisor: Supervisor) -> None:
    """Each program has a session of its own."""
    supervisor.start(python("web", SLEEPS))
    pid = supervisor.children[0].process.pid
    until(lambda: os.getsid(pid) == pid)
    assert os.getsid(pid) != os.getsid(0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
def test_a_killed_supervisor_takes_its_processes_along(tmp_path: Path) -> None:
    """SIGKILL gives no chance to tidy up; the kernel does it."""
    code = (
        "import sys,time,os; from pathlib import Path;"
        "from digest.embedded.supervisor import *;"
        f"s = Supervisor(Path({str(tmp_path)!r}), print);"
        f"s.start(Program('web', [sys.executable, '-c', {SLEEPS!r}], os.environ));"
        "print(s.children[0].process.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not child.is_running())


def test_the_next_start_ends_what_was_left(tmp_path: Path) -> None:
    """Where the kernel does not help, the list of processes does."""
    left = subprocess.Popen([sys.executable, "-c", STUBBORN], start_new_session=True)
    row = [left.pid, psutil.Process(left.pid).create_time()]
    (tmp_path / "up.processes").write_text(json.dumps([row]))
    assert end_leftovers(tmp_path) == 1
    assert left.wait(5) == -signal.SIGKILL


def test_a_reused_process_id_is_left_alone(tmp_path: Path) -> None:
    """The id alone proves nothing: the process must be as old as the note says."""
    other = subprocess.Popen([sys.executable, "-c", SLEEPS], start_new_session=True)
    (tmp_path / "up.processes").write_text(json.dumps([[other.pid, 1.0]]))
    assert end_leftovers(tmp_path) == 0
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_long_log_is_set_aside_while_it_is_written(tmp_path: Path) -> None:
    """The writer keeps its open file; the old lines are in NAME.1."""
    log = tmp_path / "web.log"
    with log.open("ab") as writer:
        writer.write(b"old\n" * 100)
        writer.flush()
        shorten(log, largest=100)
        writer.write(b"new\n")
    assert log.read_bytes() == b"new\n"
    assert (tmp_path / "web.log.1").read_bytes() == b"old\n" * 100
    assert last_lines(log) == ["new"]


def test_a_long_log_on_a_full_disk_gives_its_room_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lines are lost, and everything runs on."""
    log = tmp_path / "web.log"
    log.write_bytes(b"line\n" * 100)
    (tmp_path / "web.log.1").write_bytes(b"older\n")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.copy2", full)
    shorten(log, largest=100)
    assert [path.name for path in tmp_path.iterdir()] == ["web.log"]
    assert log.read_bytes() == b""


def test_a_process_that_cannot_be_started_is_tried_again(
    supervisor: Supervisor, output: list[str], tmp_path: Path
) -> None:
    """For a moment there are too many processes, or an upgrade replaces the program."""
    interpreter = tmp_path / "python"
    interpreter.symlink_to(sys.executable)
    supervisor.start(Program("web", [str(interpreter), "-c", SLEEPS], os.environ))
    first = supervisor.children[0].process
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    interpreter.unlink()
    supervisor.look()
    assert output[-1] == "web could not be started (No such file or directory)."
    interpreter.symlink_to(sys.executable)
    supervisor.look()
    assert supervisor.children[0].process.poll() is None


def test_what_serves_others_ends_last(supervisor: Supervisor, tmp_path: Path) -> None:
    """A worker that finishes its work still finds Valkey and the mailbox."""
    code = (
        "import pathlib, signal, sys, time\n"
        "def end(*_):\n"
        "    time.sleep({delay})\n"
        "    open({path!r}, 'a').write({name!r} + ' ')\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "pathlib.Path({path!r} + {name!r}).touch()\n"
        "time.sleep(60)"
    )
    path = str(tmp_path / "ends")
    worker = python("worker", code.format(delay=0.5, path=path, name="worker"))
    valkey = python("valkey", code.format(delay=0, path=path, name="valkey"))
    supervisor.start(replace(valkey, serves_others=True))
    supervisor.start(worker)
    until(lambda: all(Path(path + name).exists() for name in ("worker", "valkey")))
    supervisor.stop()
    assert Path(path).read_text().split() == ["worker", "valkey"]
