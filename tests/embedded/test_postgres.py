"""The embedded PostgreSQL starts whatever an earlier one left behind, and stops when told to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from kombu import Connection

from digest.embedded import postgres, valkey
from digest.embedded.errors import EmbeddedError
from tests.scripts import run_script


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A server's folder; tests may leave it running or not."""
    folder = tmp_path_factory.mktemp("it's at 50%; my data?#1") / "postgres"
    yield folder
    postgres.stop(folder)


def answers(url: str) -> bool:
    """Ask the server something."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT current_database()").fetchone() == (postgres.DATABASE,)


def test_a_running_server_is_found_and_a_stopped_one_started(folder: Path) -> None:
    """Starting twice gives the same server; stopping twice does no harm."""
    url = postgres.start(folder)
    first = postgres.running(folder)
    assert postgres.start(folder) == url
    assert first
    assert postgres.running(folder) == first
    postgres.stop(folder)
    postgres.stop(folder)
    assert postgres.running(folder) is None
    assert answers(postgres.start(folder))


def test_a_killed_server_is_started_again(folder: Path) -> None:
    """Its pid file and socket are still there, and its data need recovery."""
    postgres.start(folder)
    server = postgres.running(folder)
    assert server
    server.send_signal(signal.SIGKILL)
    server.wait(5)
    assert answers(postgres.start(folder))


@pytest.mark.parametrize("character", list('"$`\\\n'))
def test_a_folder_that_a_shell_would_misread_is_refused(tmp_path: Path, character: str) -> None:
    """In one line, before anything is made."""
    with pytest.raises(EmbeddedError, match="Choose another folder with --data"):
        postgres.start(tmp_path / f"my{character}data" / "postgres")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["my data", "a;b", "50%20", "a?b#c", "é", "a" * 90])
def test_valkey_is_reached_whatever_its_folder_is_called(tmp_path: Path, name: str) -> None:
    """By redis-py and by kombu, which read addresses differently."""
    command, url = valkey.command(tmp_path / name / "valkey")
    with subprocess.Popen(command) as server:
        try:
            give_up = time.monotonic() + 10
            while not valkey.answers(url) and time.monotonic() < give_up:
                time.sleep(0.02)
            with Connection(url.replace("unix://", "redis+socket://", 1)) as broker:
                broker.ensure_connection(max_retries=1, timeout=2)
        finally:
            server.terminate()


def test_an_ended_server_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody takes it out of the process table, as in a container without an init."""
    code = """import signal, subprocess, time
signal.signal(signal.SIGINT, signal.SIG_DFL)  # shells have jobs in the background ignore it
print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
time.sleep(60)"""
    script = [sys.executable, "-c", code]
    with subprocess.Popen(script, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        server = psutil.Process(int(parent.stdout.readline()))
        monkeypatch.setattr(postgres, "running", lambda _folder: server)
        start = time.monotonic()
        postgres.stop(tmp_path)
        assert time.monotonic() - start < 10
        assert server.status() == psutil.STATUS_ZOMBIE
        parent.kill()


@pytest.mark.parametrize(
    "first_line", [pytest.param(str(os.getpid()), id="ours"), "999999999", "", "not a number"]
)
def test_a_pid_file_that_lies_is_not_believed(folder: Path, first_line: str) -> None:
    """After a reboot its number belongs to somebody else; after a power cut it may be empty."""
    postgres.start(folder)
    server = postgres.running(folder)
    assert server
    lines = (folder / "postmaster.pid").read_text().splitlines()
    postgres.stop(folder)
    (folder / "postmaster.pid").write_text("\n".join([first_line, *lines[1:]]))
    assert postgres.running(folder) is None
    assert answers(postgres.start(folder))


def test_an_interrupted_initialisation_is_repeated(tmp_path: Path) -> None:
    """What lies half made beside the folder is never taken for a database."""
    making = tmp_path / "postgres.making"
    making.mkdir()
    (making / "PG_VERSION").write_text("18\n")
    try:
        assert answers(postgres.start(tmp_path / "postgres"))
        assert not making.exists()
    finally:
        postgres.stop(tmp_path / "postgres")


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    """In its own words, in one line."""
    folder = tmp_path / "postgres"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedError, match=r"PostgreSQL did not start: .*ersion"):
        postgres.start(folder)


def test_nothing_is_shared_with_other_users_of_the_machine(tmp_path: Path) -> None:
    """A lock file in the folder of temporary files belongs to whoever started first."""
    temporary, data = tmp_path / "temporary", tmp_path / "data"
    temporary.mkdir()
    script = (
        "from pathlib import Path; from digest.embedded import postgres;"
        f"folder = Path({str(data / 'postgres')!r});"
        "print(postgres.start(folder)); postgres.stop(folder)"
    )
    output = run_script(script, without="XDG_RUNTIME_DIR", TMPDIR=str(temporary))
    assert output.startswith("postgresql://")
    assert not list(temporary.rglob("*lock*"))
    assert (data / ".postgres.lock").exists()
