"""An upgrade while mail goes out: `python -m tests.operations.upgrade [--mails 100000]`.

The next version is a copy of this code with another number and a migration that adds a column and
an index to the largest tables. Two web processes, two workers and beat of this version run,
somebody asks for pages all the time, and an issue goes out. Then the database is migrated, and
each process is replaced, one after another: a worker or beat ends when its successor has said that
it is ready (sd_notify). Printed at the end: mails lost or sent twice, requests that failed, and the
longest pauses of the mail, with what was done then.
"""

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Thread
from types import MappingProxyType

import tests.services  # noqa: F401  names a secret key and the like
from tests.chaos.house import ROOT, House, wait_for
from tests.ports import reserve_port

MIGRATION = """
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sending", "0001_initial")]
    operations = [
        migrations.AddField("sentdelivery", "trial", models.IntegerField(null=True)),
        migrations.AddField("delivery", "trial", models.IntegerField(null=True)),
        AddIndexConcurrently("sentdelivery", models.Index(fields=["at"], name="sent_at_trial")),
    ]
"""
NEXT = "99.0.0"
START = 180  # seconds that a process may take to be ready, on a busy machine
PAUSE = 1.0  # seconds without a mail that nobody minds
DRAIN = 2  # seconds until a proxy has noticed that a process is about to stop


class Installation:
    """Processes of two versions on one database."""

    def __init__(self, house: House, next_version: Path) -> None:
        self.house, self.next_version = house, next_version
        self.ports = {"web 1": reserve_port(), "web 2": reserve_port()}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.notified = house.folder / "notified"

    def start(self, name: str, tree: Path = ROOT) -> None:
        """Start a process of a version, and wait until it is ready."""
        if name in self.ports:
            self.processes[name] = self.run(tree, *self.command(name))
            wait_for(lambda: status(self.ports[name], "/readyz") == 200, START, name)
            return
        self.notified.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.bind(str(self.notified))
            supervisor.settimeout(START)
            variables = {"NOTIFY_SOCKET": str(self.notified)}
            self.processes[name] = self.run(tree, *self.command(name), variables=variables)
            assert supervisor.recv(100) == b"READY=1", name

    def replace(self, name: str, visitor: "Visitor") -> float:
        """Stop a process as supervisors do, start the next version's; return the seconds.

        A web process gets no requests from before its end until the new one is ready. Of the others
        the new one starts first.
        """
        start, retired = time.monotonic(), self.processes[name]
        if name in self.ports:
            visitor.ports = [port for port in self.ports.values() if port != self.ports[name]]
            time.sleep(DRAIN)
            _end(retired)
            self.start(name, self.next_version)
            visitor.ports = list(self.ports.values())
        else:
            self.start(name, self.next_version)
            _end(retired)
        return time.monotonic() - start

    def command(self, name: str) -> list[str]:
        """Return the arguments of a process."""
        if name in self.ports:
            listen = ("--host", "127.0.0.1", "--port", str(self.ports[name]))
            return ["web", *listen, "--workers", "1"]
        return ["worker", "--concurrency", "2"] if name.startswith("worker") else ["beat"]

    def run(
        self, tree: Path, *arguments: str, variables: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.Popen[bytes]:
        """Run `digest …` of a version."""
        code = f"import sys; sys.path.insert(0, {str(tree)!r}); from digest.cli.main import main"
        with self.house.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", f"{code}; sys.exit(main())", *arguments],
                env={**self.house.environment, "PYTHONPATH": str(tree), **variables},
                cwd=tree,
                stdout=log,
                stderr=log,
            )

    def close(self) -> None:
        """End everything."""
        for process in self.processes.values():
            _end(process)


class Visitor(Thread):
    """Asks for a page all the time, as a proxy would: not of a process that is about to stop."""

    def __init__(self, ports: list[int]) -> None:
        super().__init__(daemon=True)
        self.ports, self.over = ports, Event()
        self.answers, self.failures = 0, list[str]()

    def run(self) -> None:
        """Ask until it is over."""
        while not self.over.wait(0.02):
            port = self.ports[self.answers % len(self.ports)]
            answer = status(port, "/subscribe/nothing")
            self.answers += 1
            if answer is None or answer >= 500:
                self.failures.append(f"{time.monotonic():.1f} s: {answer} from port {port}")


class Pauses(Thread):
    """Measures times without a mail, and what was done in each."""

    def __init__(self, accepted: Path) -> None:
        super().__init__(daemon=True)
        self.accepted, self.over = accepted, Event()
        self.phase = ""  # what is done at the moment
        self.longest = dict[str, float]()  # seconds, by phase

    def run(self) -> None:
        """Look at the relay's file fifty times a second."""
        size, changed, phase = self.accepted.stat().st_size, time.monotonic(), self.phase
        while not self.over.wait(0.02):
            if (now_size := self.accepted.stat().st_size) != size:
                pause = time.monotonic() - changed if size else 0.0
                self.longest[phase] = max(self.longest.get(phase, 0.0), pause)
                size, changed, phase = now_size, time.monotonic(), self.phase


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(START)


def status(port: int, path: str) -> int | None:
    """Return the status of a page; None if nobody listens. One that is cut off counts as 599."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.connect()
    except OSError:
        return None
    try:
        connection.request("GET", path, headers={"Host": "localhost"})
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 599
    finally:
        connection.close()


def make_next_version(folder: Path) -> Path:
    """Copy this code, with another number and one more migration."""
    for name in ("digest", "workers", "templates"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    package = folder / "digest" / "__init__.py"
    text = package.read_text()
    package.write_text(text.partition("__version__")[0] + f'__version__ = "{NEXT}"\n')
    (folder / "digest/sending/migrations/0002_trial.py").write_text(MIGRATION)
    return folder


def main() -> int:
    """Upgrade while an issue goes out; return 0 if nobody noticed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.operations.upgrade",
        description="Upgrade while an issue goes out. Status 1 if a mail is lost or sent twice, a "
        f"request fails, or no mail leaves for more than {PAUSE:.0f} s.",
    )
    parser.add_argument("--mails", type=int, default=100_000, help="subscribers (100000)")
    mails = parser.parse_args().mails
    with tempfile.TemporaryDirectory(prefix="digest-upgrade-") as name:
        Path(name).chmod(0o755)
        house = House(Path(name), tick=1.0)
        installation = Installation(house, make_next_version(Path(name) / "next"))
        try:
            return _upgrade(house, installation, mails)
        except (TimeoutError, AssertionError):
            lines = house.log.read_text().splitlines()
            print(*[line for line in lines if "Not Found" not in line][-40:], sep="\n")
            raise
        finally:
            installation.close()
            house.close()


def _upgrade(house: House, installation: Installation, mails: int) -> int:
    house.set_stage(mails)
    house._keep("sink", "tests.chaos.sink", str(house.port), str(house.accepted))
    names = ("web 1", "web 2", "worker 1", "worker 2", "beat")
    for process in names:
        installation.start(process)
    visitor, pauses = Visitor(list(installation.ports.values())), Pauses(house.accepted)
    visitor.start()
    pauses.start()
    wait_for(lambda: len(house.recipients()) > mails / 20, 300, "the first mails")
    for arguments in (["migrate", "--plan"], ["migrate"]):
        start, pauses.phase = time.monotonic(), f"digest {' '.join(arguments)}"
        assert installation.run(installation.next_version, *arguments).wait(600) == 0
        print(f"digest {' '.join(arguments)}: {time.monotonic() - start:.1f} s")
    for process in names:
        pauses.phase = f"{process} is replaced"
        seconds = installation.replace(process, visitor)
        print(f"{process} replaced in {seconds:.1f} s, {len(house.recipients()):,} mails by then")
    pauses.phase = "the rest"
    wait_for(house.is_over, 60 + mails / 50, "the end of the issue")
    visitor.over.set()
    pauses.over.set()
    return _report(house, visitor, pauses, mails)


def _report(house: House, visitor: Visitor, pauses: Pauses, mails: int) -> int:
    received = Counter(house.recipients())
    lost, repeated = mails - len(received), sum(number - 1 for number in received.values())
    print(f"{len(received):,} got the issue, {lost} did not, {repeated} copies too many")
    print(
        f"{visitor.answers:,} requests, {len(visitor.failures)} failed", *visitor.failures, sep="\n"
    )
    for phase, seconds in pauses.longest.items():
        print(f"longest pause of the mail, {phase or 'before'}: {seconds:.2f} s")
    paused = max(pauses.longest.values(), default=0.0) > PAUSE
    return 0 if not (lost or repeated or visitor.failures or paused) else 1


if __name__ == "__main__":
    sys.exit(main())
