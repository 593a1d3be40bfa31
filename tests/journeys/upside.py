"""A `digest up` of a test's own, as a person has it in a terminal."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from digest.core.env import RUNTIME_FILE
from digest.embedded import postgres
from tests.journeys.terminal import Terminal

ROOT = Path(__file__).parents[2]
DIGEST = [sys.executable, "-c", "import sys; from digest.cli.main import main; sys.exit(main())"]
SITE = re.compile(r"(?m)^Digest is up: http://localhost:([1-9]\d*)$")
READY = "Ctrl-C stops everything."


class Up:
    """The process, its data folder and port, and what it has printed since it was started."""

    def __init__(self, data: Path, *arguments: str, **environment: str) -> None:
        self.words = arguments  # more of the command line
        self.environment = environment  # more than ours
        self.data = data
        self.port = 0  # any at the first start, the same again at the next
        self.said = ""
        self.own: list[psutil.Process] = []  # itself and its children
        self.database: list[psutil.Process] = []  # PostgreSQL, which stands on its own feet

    def start(self) -> None:
        """Start and wait until it says that it is ready."""
        self.said = ""
        self.process = subprocess.Popen(
            [*DIGEST, "up", "--port", str(self.port), "--data", str(self.data), *self.words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean_environment() | self.environment,
            cwd=ROOT,
            start_new_session=True,
            preexec_fn=_listen_to_interrupts,  # noqa: PLW1509  one signal call, no locks
        )
        self._subscriber = threading.Thread(target=self._read, daemon=True)
        self._subscriber.start()
        self.wait_for(lambda: READY in self.said, 120, "being ready")
        self.port = int(SITE.findall(self.said)[0])
        self.url = f"http://localhost:{self.port}"
        self.look_at_processes()

    def look_at_processes(self) -> None:
        """Note which processes there are now."""
        self.own = _family(psutil.Process(self.process.pid))
        server = postgres.running(self.data / "postgres")
        self.database = _family(server) if server else []

    def signal(self, number: signal.Signals) -> int:
        """Send a signal to `digest up` alone, wait for its end, and return its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(40)
        self._subscriber.join(5)
        return status

    def wait_for(self, fact: Callable[[], object], seconds: float, description: str) -> None:
        """Wait until something holds; fail with all that was printed if it does not."""
        give_up = time.monotonic() + seconds
        while not fact():
            assert self.process.poll() is None, (
                f"ended while waiting for {description}:\n{self.said}"
            )
            assert time.monotonic() < give_up, f"waited in vain for {description}:\n{self.said}"
            time.sleep(0.1)

    def mails(self) -> list[Path]:
        """The mails in the mailbox, oldest first."""
        return sorted((self.data / "mailbox" / "new").iterdir())

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.said += line


def clean_environment() -> dict[str, str]:
    """Our environment without the services of the test suite itself."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("DIGEST_") and name != "DJANGO_SETTINGS_MODULE"
    }


def digest(
    *arguments: str, data: Path, check: bool = True, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a `digest` command in a second terminal; one that is not open yet is opened."""
    services = _services_of(data)
    if arguments[0] == "up" or not services:
        result = _run_alone(arguments, data, environment)
    else:
        if (data, services) not in _terminals:
            _terminals[data, services] = Terminal(_environment_of(data), ROOT)
        result = _terminals[data, services].run(list(arguments), environment)
    assert not check or result.returncode == 0, result.stdout + result.stderr
    return result


_terminals: dict[tuple[Path, str], Terminal] = {}  # by the services of a `digest up`


def close_terminals(data: Path) -> None:
    """Close the terminals beside the `digest up` of a folder."""
    for key in [key for key in _terminals if key[0] == data]:
        _terminals.pop(key).end()


def _run_alone(
    arguments: tuple[str, ...], data: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DIGEST, *arguments],
        env=_environment_of(data) | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def _services_of(data: Path) -> str:
    """Return what a running `digest up` has told of its services."""
    file = data / RUNTIME_FILE
    return file.read_text() if file.exists() else ""


def _environment_of(data: Path) -> dict[str, str]:
    return clean_environment() | {"DIGEST_DATA_DIR": str(data)}


def _family(head: psutil.Process) -> list[psutil.Process]:
    return [head, *head.children(recursive=True)]


def _listen_to_interrupts() -> None:
    """Undo an inherited "ignore Ctrl-C", which shells give to background jobs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
