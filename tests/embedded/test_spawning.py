"""Programs start as executed ones do, also where they are forks of a process that is loaded."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from digest.embedded.spawning import Program, spawn

# What `digest up` is like when it starts web, worker and the others: Django is ready and quiet,
# stop signals are only counted, and a lock and a listening socket are open.
LOADED_PARENT = """
import json, logging, os, socket, sys
from pathlib import Path
import django
from digest.embedded.signals import StopSignals
from digest.embedded.spawning import Fork, Program, spawn

django.setup()
logging.getLogger("digest").setLevel(logging.WARNING)
folder = Path(sys.argv[1])
with StopSignals(), (folder / "lock").open("w") as lock, socket.create_server(("", 0)) as listener:
    numbers = [lock.fileno(), listener.fileno()]
    command = [sys.executable, "-m", "tests.embedded.forked", *map(str, numbers)]
    environment = {name: os.environ[name] for name in os.environ if name.startswith("DIGEST_")}
    environment |= {"PGAPPNAME": "digest web", "DIGEST_STATEMENT_SECONDS": "7"}
    program = Program("web", command, environment, (listener.fileno(),), is_loaded=True)
    process = spawn(program, folder / "log")
    assert isinstance(process, Fork)
    started = Path(f"/proc/{process.pid}/comm").read_text()
    try:
        spawn(program, Path("/dev/full")).wait()
    except OSError:  # in a fork that came back
        (folder / "came back").touch()
    print(json.dumps([os.getpid(), started, numbers, process.wait(), process.poll()]))
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], dict[str, Any], str]:
    """What the parent saw of its fork, what the fork said of itself, and how that ended."""
    folder = tmp_path_factory.mktemp("spawning")
    run = subprocess.run(
        [sys.executable, "-c", LOADED_PARENT, str(folder)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert not (folder / "came back").exists()  # where its log cannot be written either
    state, end = (folder / "log").read_text().splitlines()
    return json.loads(run.stdout), json.loads(state), end


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux forks")
def test_a_fork_is_a_process_of_its_own(
    outcome: tuple[list[Any], dict[str, Any], str],
) -> None:
    """With arguments, environment, session, signals, files and limits as if it were executed."""
    (parent, name, [lock, listener], *statuses), state, end = outcome
    assert (state["parent"], state["is_leader"], name) == (parent, True, "digest web\n")
    assert state["arguments"] == [str(lock), str(listener)]
    assert state["environment"]["PGAPPNAME"] == "digest web"
    assert "PATH" not in state["environment"]
    assert state["files"][str(lock)] == os.devnull
    assert state["files"][str(listener)].startswith("socket:")
    assert "-c statement_timeout=7s" in state["options"]
    assert (state["level"], state["is_default"]) == (20, True)
    assert (end, statuses) == ("the end", [1, 1])


def test_a_process_with_threads_is_not_forked(tmp_path: Path) -> None:
    """A fork has only the thread that forked; a lock that another one holds stays locked there."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    web = Program("web", [sys.executable, "-c", "print(1)"], os.environ, is_loaded=True)
    try:
        process = spawn(web, tmp_path / "log")
        assert isinstance(process, subprocess.Popen)
        assert process.wait(30) == 0
    finally:
        over.set()
        thread.join()
    assert (tmp_path / "log").read_text() == "1\n"
