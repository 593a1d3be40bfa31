"""A hard relay: pace while it hangs up on one message in ten, and while PostgreSQL is killed too.

The relay hangs up on 5 % of the messages before their end, which are sent again, and on 5 % after
it, which are uncertain. Three sides in turns: without faults, with them, and with a kill -9 of
PostgreSQL every 15 seconds besides. One sender, as a worker runs it: send, sweep, again.

    make bench ARGS=hard_relay
    DIGEST_ROUNDS=3 DIGEST_MESSAGES=40_000 DIGEST_CONNECTIONS=4 ...
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from threading import Event, Thread

import psutil

import tests.services  # noqa: F401  starts PostgreSQL, and names it in the environment
from benchmarks._digest import Case, plan_issue, set_up
from benchmarks._relays import wait_for
from tests.ports import reserve_port

ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "3"))
MESSAGES = int(os.environ.get("DIGEST_MESSAGES", "40_000"))
CONNECTIONS = int(os.environ.get("DIGEST_CONNECTIONS", "4"))
FAULTS = 20  # one message in so many, before its end and after it
KILL_SECONDS = 15.0


def main() -> None:
    """Measure the three sides."""
    set_up()
    sides = {"no faults": (0, False), "hangs up": (FAULTS, False), "and kills": (FAULTS, True)}
    paces: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, (faults, kills) in sides.items():
            paces[name].append(_pace(faults, kills=kills))
    easy = median(paces["no faults"])
    print(f"-- {MESSAGES:,} messages, {CONNECTIONS} connections; medians of {ROUNDS}")
    for name, pace in paces.items():
        print(f"   {name:<10} {median(pace):7,.0f} a second  {median(pace) / easy:5.2f} times")


def _pace(faults: int, *, kills: bool) -> float:
    """Return how many messages a second were settled."""
    from digest.issues.models import Issue
    from digest.newsletters.models import Newsletter
    from digest.sending.progress import balance

    plan_issue(Case(12, CONNECTIONS), MESSAGES)
    issue = Issue.objects.latest("pk")
    Newsletter.objects.update(uncertain="hold")  # what is uncertain is settled as such
    with _sink(faults) as port, _killing(often=kills):
        start = time.perf_counter()
        subprocess.run(_command("work", str(issue.pk)), env=_environment(port), check=True)
        seconds = time.perf_counter() - start
    counts = balance(issue)
    assert counts.sent + counts.uncertain == MESSAGES, counts
    return MESSAGES / seconds


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.hard_relay", *arguments]


def _environment(port: int) -> dict[str, str]:
    url = f"smtp://127.0.0.1:{port}?starttls=never&connections={CONNECTIONS}&messages=1000000"
    return os.environ | {"DIGEST_SMTP_URL": url, "DIGEST_SEND_SECONDS": "20"}


def _work(issue_id: int) -> None:
    """Send and sweep, as a worker does, until the issue has nothing left to send."""
    import django

    django.setup()
    from django.db import connection

    from digest.core import clock
    from digest.relays.models import Relay
    from digest.sending import sender, sweeping
    from digest.sending.models import Delivery
    from digest.sending.sender.recorder import DATABASE_UNAVAILABLE

    pending = Delivery.objects.filter(issue=issue_id, state__in=Delivery.PENDING)
    while True:
        try:
            sender.send_due()
            sweeping.sweep(clock.now())
            if not pending.exists():
                return
            time.sleep(0.2 if Relay.objects.filter(retry_at__gt=clock.now()).exists() else 0)
        except DATABASE_UNAVAILABLE:
            connection.close()
            time.sleep(0.5)


# --- faults ----------------------------------------------------------------------------


@contextmanager
def _killing(*, often: bool) -> Iterator[None]:
    """Kill PostgreSQL every few seconds, and start it again."""
    over = Event()
    thread = Thread(target=_kill_until, args=(over,))
    if often:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if often:
            thread.join()


def _kill_until(over: Event) -> None:
    from digest.embedded import postgres

    folder = Path(os.environ["DIGEST_DATA_DIR"]) / "postgres"
    while not over.wait(KILL_SECONDS):
        if server := postgres.running(folder):
            for process in (*server.children(), server):
                with suppress(psutil.Error):
                    process.kill()
        postgres.start(folder)


@contextmanager
def _sink(faults: int) -> Iterator[int]:
    """Run the relay in a process of its own; it hangs up on one message in `faults`, twice."""
    port = reserve_port()
    with subprocess.Popen(_command("sink", str(port), str(faults))) as process:
        try:
            wait_for(port)
            yield port
        finally:
            process.terminate()


class _Session(asyncio.Protocol):
    """One connection, PIPELINING offered; messages are counted over all of them."""

    messages = 0

    def __init__(self, faults: int) -> None:
        self.faults = faults
        self.buffer = b""
        self.in_data = False
        self.is_over = False
        self.message = 0  # the number of the present one, over all connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.transport.write(b"220 hard ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        replies = b""
        while not self.is_over:
            end = b"\r\n.\r\n" if self.in_data else b"\r\n"
            line, end_seen, rest = self.buffer.partition(end)
            if not end_seen:
                break
            self.buffer = rest
            replies += self._answer(line)
        self.transport.write(replies)
        if self.is_over:
            self.transport.close()

    def _answer(self, line: bytes) -> bytes:
        if self.in_data:
            self.in_data = False
            return self._hang_up() if self._is_faulty(self.faults // 2) else b"250 2.0.0 ok\r\n"
        verb = line[:4].upper()
        if verb == b"DATA":
            self.message = _Session.messages = _Session.messages + 1
            self.in_data = not self._is_faulty(0)
            return b"354 go on\r\n" if self.in_data else self._hang_up()
        return b"250-hard\r\n250 PIPELINING\r\n" if verb == b"EHLO" else b"250 2.0.0 ok\r\n"

    def _is_faulty(self, remainder: int) -> bool:
        return bool(self.faults) and self.message % self.faults == remainder

    def _hang_up(self) -> bytes:
        self.is_over = True
        return b""


async def _serve(port: int, faults: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Session(faults), "127.0.0.1", port, backlog=200)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        _work(int(sys.argv[2]))
    elif sys.argv[1:2] == ["sink"]:
        asyncio.run(_serve(int(sys.argv[2]), int(sys.argv[3])))
    else:
        main()
