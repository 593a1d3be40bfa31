"""Digest's processes, each of which may be killed and comes back."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import redis

from digest.cli import processes
from digest.embedded import postgres, valkey
from tests.ports import reserve_port

ROOT = Path(__file__).parents[2]
CONNECTIONS, PROCESSES = 4, 2
LEASE = 10  # seconds


class House:
    """PostgreSQL, Valkey, a relay, a worker of two processes and two beats, in one folder."""

    def __init__(
        self, folder: Path, *, tick: float, bouncing: tuple[int, int] | None = None
    ) -> None:
        """`bouncing`: how many percent the relay refuses, and defers at first."""
        self.folder, self.bouncing = folder, bouncing
        self.accepted = folder / "accepted"
        self.accepted.touch()
        self.log = folder / "log"
        self.port = reserve_port()
        self.database = postgres.start(folder / "postgres")
        self.valkey, self.redis_url = valkey.start(folder / "valkey")
        self.environment = os.environ | {
            "DIGEST_DATA_DIR": str(folder),
            "DIGEST_DATABASE_URL": self.database,
            "DIGEST_REDIS_URL": self.redis_url,
            "DIGEST_SMTP_URL": (
                f"smtp://127.0.0.1:{self.port}?starttls=never&connections={CONNECTIONS}"
            ),
            "DIGEST_LEASE_SECONDS": str(LEASE),
            "DIGEST_TICK_SECONDS": str(tick),
            "DIGEST_SEND_SECONDS": "4",
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def set_stage(self, subscribers: int) -> None:
        """Make subscribers, and an issue that waits for beat."""
        command = [sys.executable, "-m", "tests.chaos.stage", str(subscribers)]
        command += ["strict"] if self.bouncing else []
        subprocess.run(command, env=self.environment, cwd=ROOT, check=True, timeout=1800)

    def open(self) -> None:
        """Start whatever does not run."""
        if postgres.running(self.folder / "postgres") is None:
            postgres.start(self.folder / "postgres")
        if not valkey.answers(self.redis_url):
            with suppress(Exception):
                self.valkey.stop()
            self.valkey, _ = valkey.start(self.folder / "valkey")
        shares = map(str, self.bouncing or ())
        self._keep("sink", "tests.chaos.sink", str(self.port), str(self.accepted), *shares)
        worker = processes.worker(concurrency=PROCESSES, queues=[])
        self._keep("worker", *worker, "--without-heartbeat")
        self._keep("beat", *processes.beat())
        self._keep("second beat", *processes.beat())

    def close(self) -> None:
        """End everything."""
        for process in self.processes.values():
            _kill_family(process.pid)
            process.wait(60)
        with suppress(Exception):
            self.valkey.stop()
        postgres.stop(self.folder / "postgres")

    def children(self) -> list[psutil.Process]:
        """The processes that do the worker's work."""
        workers: list[psutil.Process] = []
        with suppress(psutil.Error):
            workers = psutil.Process(self.processes["worker"].pid).children()
        return workers

    def kill(self, name: str) -> None:
        """Kill -9 one of ours, with its children."""
        _kill_family(self.processes[name].pid)
        self.processes[name].wait(60)

    def kill_postgres(self) -> None:
        """Kill -9 the server and every backend."""
        if server := postgres.running(self.folder / "postgres"):
            _kill_family(server.pid)

    def kill_valkey(self) -> None:
        """Kill -9 the broker."""
        for process in psutil.process_iter(["cmdline"]):
            arguments = process.info["cmdline"] or []
            if any(str(self.folder / "valkey") in argument for argument in arguments):
                process.kill()

    def flush(self) -> None:
        """FLUSHALL: every nudge and limit is gone."""
        with suppress(redis.RedisError):
            redis.Redis.from_url(self.redis_url).flushall()

    def recipients(self) -> list[str]:
        """Return the recipients of all that the relay accepted, in order."""
        return [line.split()[1] for line in self.accepted.read_text().splitlines()]

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Ask the database."""
        with psycopg.connect(self.database, connect_timeout=10) as connection:
            return connection.execute(statement.encode()).fetchall()

    def count(self, statement: str) -> dict[int, int]:
        """Ask for numbers by state."""
        return {int(str(state)): int(str(number)) for state, number in self.query(statement)}

    def pass_time(self) -> list[str]:
        """Let what waits for its next attempt be due; return the domains that were paused.

        A pause ends when the domain accepts our mail again, which it does from now on.
        """
        with suppress(psycopg.Error), psycopg.connect(self.database, connect_timeout=10) as link:
            paused = link.execute("SELECT domain FROM relays_pauseddomain").fetchall()
            if paused:
                Path(f"{self.accepted}.open").touch()
            link.execute("UPDATE relays_pauseddomain SET until = now() WHERE until > now()")
            link.execute(
                "UPDATE sending_delivery SET due_at = now() WHERE state = 2 AND due_at > now()"
            )
            return [str(domain) for (domain,) in paused]
        return []

    def is_settled(self) -> bool:
        """Say whether no refusal waits to be settled as a bounce."""
        try:
            return self.query("SELECT count(*) FROM bounces_refusal") == [(0,)]
        except psycopg.Error:
            return False

    def is_over(self) -> bool:
        """Say whether the issue is done; a database that is away says no."""
        try:
            return self.query("SELECT state FROM issues_issue") == [("sent",)]
        except psycopg.Error:
            return False

    def _keep(self, name: str, module: str, *arguments: str) -> None:
        running = self.processes.get(name)
        if running is not None and running.poll() is None:
            return
        with self.log.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )


def wait_for(fact: Callable[[], bool], seconds: float, event: str) -> None:
    """Wait until something holds."""
    give_up = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > give_up:
            raise TimeoutError(f"waited {seconds:.0f} s in vain for {event}")
        time.sleep(0.1)


def _kill_family(pid: int) -> None:
    with suppress(psutil.Error):
        head = psutil.Process(pid)
        for process in [*head.children(recursive=True), head]:
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)


__all__ = ["CONNECTIONS", "LEASE", "PROCESSES", "House", "wait_for"]
