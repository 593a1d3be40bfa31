"""Sending while hostile feeds are polled, beside sending alone: what they cost its pace.

In turns, an issue goes out to 20,000 subscribers, alone and while feeds of 5 MB are polled that aim
at the parser's time: each three times, one right after the other, from the first mail on. Printed:
medians, their ratio, and what became of the sources.

    make bench ARGS=hostile_feeds
    DIGEST_ROUNDS=3 DIGEST_MESSAGES=20_000 DIGEST_KINDS="author,lesser tag" ...
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from threading import Thread
from urllib.parse import unquote

from benchmarks import sending  # starts PostgreSQL, and names it in the environment
from benchmarks._relays import sink
from tests.articles import hostile

ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "3"))
SIZE = 4_900_000  # bytes; what is larger than 5 MB is not fetched at all
# The kinds that once took quadratic time, and those that take longest today.
KINDS = os.environ.get(
    "DIGEST_KINDS",
    "author,late doctypes,body attributes,lesser tag",
).split(",")
CASE = sending.Case(kilobytes=30, connections=4)


def main() -> None:
    """Measure both sides in turns."""
    sending.set_up()
    alone, beside, states = [], [], Counter[str]()
    with sink() as (port, _):
        for _round in range(ROUNDS):
            alone.append(sending.send(CASE, port))
            with _polling() as begin:
                beside.append(sending.send(CASE, port, begin))
            states = _states()
            print(
                f"   alone {alone[-1]:.1f} s, beside {beside[-1]:.1f} s, {dict(states)}", flush=True
            )
    print(
        f"-- {CASE.messages:,} messages alone: {CASE.messages / median(alone):,.0f} a second, "
        f"while {len(KINDS)} hostile feeds are polled: "
        f"{CASE.messages / median(beside):,.0f} a second; "
        f"{median(alone) / median(beside):.2f} of the pace",
        flush=True,
    )


@contextmanager
def _polling() -> Iterator[Callable[[], object]]:
    """Poll hostile feeds in a process of their own, as soon as what is yielded is called."""
    command = [sys.executable, "-m", "benchmarks.hostile_feeds", "poll"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"polling\n"
        try:
            yield process.stdin.close
        finally:
            process.stdin.close()
            process.wait()


def _poll() -> None:
    """Poll each source three times, as the worker does, once our input ends."""
    import django

    django.setup()
    from django.conf import settings

    from digest.articles.models import Source
    from tests.cast import make_source

    bodies = {kind: hostile.FEEDS[kind](SIZE) for kind in KINDS}
    Source.objects.all().delete()
    with _serving(bodies) as root:
        settings.DIGEST_FETCH_ALLOW = [root.removeprefix("http://")]
        for kind in KINDS:
            make_source(publication_id=1, url=f"{root}/{kind.replace(' ', '%20')}", title=kind)
        print("polling", flush=True)
        sys.stdin.read()
        _poll_three_times()


def _poll_three_times() -> None:
    from digest.articles import polling
    from digest.articles.models import Source
    from digest.core import clock

    for _ in range(3):
        Source.objects.update(next_poll_at=clock.now())
        while polling.poll_due():
            pass


@contextmanager
def _serving(bodies: dict[str, bytes]) -> Iterator[str]:
    """Serve documents on loopback; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(bodies[unquote(self.path[1:])])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def _states() -> Counter[str]:
    """Count the sources by what became of them."""
    from digest.articles.models import Source

    rows = Source.objects.all()
    return Counter("switched off" if row.switched_off_at else "read or refused" for row in rows)


if __name__ == "__main__":
    _poll() if sys.argv[1:] == ["poll"] else main()
