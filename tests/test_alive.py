"""Health checks of containers: what runs says so, what hangs does not."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digest import alive
from tests.ports import reserve_port


def check(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the check as a container does."""
    return subprocess.run(
        [sys.executable, "-m", "digest.alive", *arguments],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("process", ["worker", "beat"])
def test_a_loop_that_turns_is_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: str
) -> None:
    """One that has not turned for a minute is not, and one that never started neither."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert "has started" in check(process, folder=tmp_path).stderr
    alive.tick(process)
    assert check(process, folder=tmp_path).returncode == 0
    long_ago = time.time() - 61
    os.utime(alive.tick_path(process), (long_ago, long_ago))
    result = check(process, folder=tmp_path)
    assert (result.returncode, "was last heard 61 s ago" in result.stderr) == (1, True)


@pytest.mark.parametrize("process", ["web", "inbound"])
def test_nobody_at_the_port_is_not_alive(tmp_path: Path, process: str) -> None:
    """And a line says so."""
    result = check(process, str(reserve_port()), folder=tmp_path)
    assert result.returncode == 1
    assert "at port" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("is_abstract", [False, True])
def test_the_supervisor_is_notified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_abstract: bool
) -> None:
    """At a socket in a folder, or at one that has no path."""
    address = f"@digest-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(address.replace("@", "\0", 1))
        supervisor.settimeout(5)
        alive.notify("READY=1")
        assert supervisor.recv(100) == b"READY=1"


def test_without_a_supervisor_nobody_is_notified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And one that does not listen stops nothing."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    alive.notify("READY=1")
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nowhere"))
    alive.notify("READY=1")
    assert "nowhere cannot be notified" in capsys.readouterr().err


def test_a_process_has_to_be_named(tmp_path: Path) -> None:
    """The line says which there are."""
    assert "worker, beat" in check("postgres", folder=tmp_path).stderr


def test_a_check_loads_little() -> None:
    """It runs every few seconds in each container."""
    code = "import sys, digest.alive; print('django' in sys.modules, 'celery' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["False", "False"]
