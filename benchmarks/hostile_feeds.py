"""Sending while hostile feeds are polled, beside sending alone: what they cost its pace.

In turns, an issue goes out to 20,000 subscribers, alone and while feeds of 5 MB are polled that aim
at the parser's time: each three times, one right after the other, from the first mail on, by a
process that has read feeds before, so its parser has been started (1 s). Printed: medians, their
ratio, and what became of the sources.

    make bench ARGS=hostile_feeds
    DIGEST_ROUNDS=3 DIGEST_MESSAGES=20_000 DIGEST_KINDS="author,lesser tag" ...
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from urllib.parse import quote, unquote

import psutil

from benchmarks._digest import Case, send, set_up
from benchmarks._meter import cpu_by_process, cpu_seconds
from benchmarks._relays import sink
from tests.articles import hostile

ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "3"))
SIZE = 4_900_000  # bytes; what is larger than 5 MB is not fetched at all
# The kinds that once took quadratic time, and those that take longest today.
KINDS = os.environ.get(
    "DIGEST_KINDS",
    "author,late doctypes,body attributes,lesser tag",
).split(",")
CASE = Case(kilobytes=30, connections=4)


def main() -> None:
    """Measure both sides in turns."""
    set_up()
    alone, with_feeds = [], []
    with sink() as (port, sinking), _serving() as root:
        for _round in range(ROUNDS):
            meter = _Meter(sinking)
            alone.append(send(CASE, port, meter.begin))
            print(f"   alone {alone[-1]:.1f} s; CPU seconds: {meter}", flush=True)
            with _polling(root) as meter.poller:
                with_feeds.append(send(CASE, port, meter.begin))
                print(f"   beside {with_feeds[-1]:.1f} s; CPU seconds: {meter}", flush=True)
            print(f"   {dict(_states())}", flush=True)
    print(
        f"-- {CASE.messages:,} messages alone: {CASE.messages / median(alone):,.0f} a second, "
        f"while {len(KINDS)} hostile feeds are polled: "
        f"{CASE.messages / median(with_feeds):,.0f} a second; "
        f"{median(alone) / median(with_feeds):.2f} of the pace",
        flush=True,
    )


@dataclass
class _Meter:
    """The CPU seconds of all processes since `begin`, which lets the poller begin too."""

    sinking: psutil.Process
    poller: subprocess.Popen[bytes] | None = None
    before: dict[str, float] = field(default_factory=dict)

    def begin(self) -> None:
        """Count from now on, and let the poller poll."""
        self.before = self._read()
        if self.poller:
            assert self.poller.stdin is not None
            self.poller.stdin.close()

    def __str__(self) -> str:
        now = self._read()
        return ", ".join(f"{name} {now[name] - self.before[name]:.1f}" for name in now)

    def _read(self) -> dict[str, float]:
        seconds = cpu_by_process(self.sinking)
        if self.poller:
            worker = psutil.Process(self.poller.pid)
            times = worker.cpu_times()
            parsers = sum(map(cpu_seconds, worker.children(recursive=True)))
            seconds["poller"] = times.user + times.system
            seconds["parsers"] = parsers + times.children_user + times.children_system
        return seconds


@contextmanager
def _polling(root: str) -> Iterator[subprocess.Popen[bytes]]:
    """Poll hostile feeds in a process of their own, as soon as it is told to begin."""
    command = [sys.executable, "-m", "benchmarks.hostile_feeds", "poll", root]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"polling\n"
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


def _poll(root: str) -> None:
    """Poll each source three times, as the worker does, once our input ends."""
    import django

    django.setup()
    from django.conf import settings

    from digest.articles import isolation, polling
    from digest.articles.models import Source
    from digest.core import clock
    from tests.articles.publisher import DATA
    from tests.cast import make_source

    Source.objects.all().delete()
    settings.DIGEST_FETCH_ALLOW = [root.removeprefix("http://")]
    for kind in KINDS:
        make_source(publication_id=1, url=f"{root}/{quote(kind)}", title=kind)
    isolation.parse_feed((DATA / "rss.xml").read_bytes())  # a worker has done so before
    print("polling", flush=True)
    sys.stdin.read()
    for _ in range(3):
        Source.objects.update(next_poll_at=clock.now())
        while polling.poll_due():
            pass


@contextmanager
def _serving() -> Iterator[str]:
    """Serve the feeds in a process of its own; yields the address."""
    command = [sys.executable, "-m", "benchmarks.hostile_feeds", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().decode().strip()
        finally:
            process.terminate()


def _serve() -> None:
    """Serve the feeds on loopback, as if from elsewhere: it leaves the CPU to everybody else."""
    os.nice(19)
    bodies = {kind: hostile.FEEDS[kind](SIZE) for kind in KINDS}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(bodies[unquote(self.path[1:])])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


def _states() -> Counter[str]:
    """Count the sources by what became of them."""
    from digest.articles.models import Source

    rows = Source.objects.all()
    return Counter("switched off" if row.switched_off_at else "read or refused" for row in rows)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["poll", root]:
            _poll(root)
        case ["serve"]:
            _serve()
        case _:
            main()
