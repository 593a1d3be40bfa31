"""What bounces cost a send: a relay that refuses 10 % and defers 20 %; reports that come by mail.

Three sides in turns, each into the relay of `make chaos`, which answers with real providers' words:
one that takes everything; one that refuses and defers; and one that takes everything while reports
of full mailboxes come to a receiver of our own (`returns`), a hundred a second. Printed: medians of
messages a second and CPU time for each, reports a second, and how long the refusals take to be
settled.

    make bench ARGS=bouncing            DIGEST_ROUNDS, DIGEST_MESSAGES, DIGEST_REPORTS: how many
                                        DIGEST_REPORT_RATE (100): reports a second
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

import psutil

import tests.services  # noqa: F401  starts PostgreSQL and Valkey, and names them in the environment
from benchmarks import returns
from benchmarks._digest import Case, send, set_up
from benchmarks._meter import cpu_by_process
from benchmarks._relays import wait_for
from tests.chaos.fates import fate_of
from tests.ports import reserve_port

ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "5"))
REFUSE, DEFER = 10, 20  # percent
RATE = float(os.environ.get("DIGEST_REPORT_RATE", "100"))  # reports a second beside the send
CASE = Case(30, 4)
FULL = "552 5.2.2 The recipient's inbox is out of storage space."


@dataclass
class Side:
    """What was measured of a side: seconds of each run, and CPU seconds by who used them."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[dict[str, float]] = field(default_factory=list)


def main() -> None:
    """Measure all sides in turns."""
    os.environ["DIGEST_BOUNCE_DOMAIN"] = returns.DOMAIN
    set_up()
    sides = {"all taken": Side(), "some refused": Side(), "beside reports": Side()}
    paces, settling = [], []
    for _ in range(ROUNDS):
        with _sink() as (port, sinking):
            _measure(sides["all taken"], port, sinking)
        with _sink(REFUSE, DEFER) as (port, sinking):
            _measure(sides["some refused"], port, sinking, _arriving())
            settling.append(_settle())
        with _sink() as (port, sinking), _reports() as (begin, paces_of_reports):
            _measure(sides["beside reports"], port, sinking, begin=begin)
        paces += paces_of_reports
    for name, side in sides.items():
        _print(name, side, median(sides["all taken"].seconds))
    print(f"-- {REFUSE} % refused, {DEFER} % deferred: settled {median(settling):,.0f} a second")
    print(f"-- reports beside the send: {median(paces):,.0f} a second", flush=True)


@contextmanager
def _sink(*shares: int) -> Iterator[tuple[int, psutil.Process]]:
    port = reserve_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.chaos.sink", str(port), f"{folder}/accepted"]
        with subprocess.Popen([*command, *map(str, shares)]) as process:
            try:
                wait_for(port)
                yield port, psutil.Process(process.pid)
            finally:
                process.kill()


def _measure(
    side: Side,
    port: int,
    sinking: psutil.Process,
    arriving: int | None = None,
    begin: Callable[[], object] = lambda: None,
) -> None:
    before = cpu_by_process(sinking)
    side.seconds.append(send(CASE, port, begin, arriving))
    after = cpu_by_process(sinking)
    side.cpu.append({name: after[name] - before[name] for name in after})


def _arriving() -> int:
    """Return how many mails the relay takes at once."""
    addresses = (f"subscriber{number}@reader.example" for number in range(CASE.messages))
    return sum(not fate_of(address, REFUSE, DEFER).reply for address in addresses)


def _settle() -> float:
    """Settle the refusals that wait; return how many a second."""
    from digest.bounces import refusals

    start = time.perf_counter()
    number = refusals.settle_due()
    return number / (time.perf_counter() - start)


@contextmanager
def _reports() -> Iterator[tuple[Callable[[], object], list[float]]]:
    """Deliver reports about the issue that is sent, from its beginning on; and their paces."""
    paces: list[float] = []

    def deliver(port: int, tokens: list[str]) -> None:
        start = time.perf_counter()
        returns.deliver(port, tokens, FULL, RATE)
        paces.append(len(tokens) / (time.perf_counter() - start))

    with returns.receiving() as (_, port):
        threads: list[threading.Thread] = []

        def begin() -> None:
            threads.append(threading.Thread(target=deliver, args=(port, _tokens())))
            threads[0].start()

        yield begin, paces
        threads[0].join()


def _tokens() -> list[str]:
    from digest.core import links
    from digest.issues.models import Issue
    from digest.subscribers.models import Subscriber

    issue = Issue.objects.latest("pk")
    subscribers = Subscriber.objects.order_by("pk")[: returns.REPORTS]
    return [links.bounce_token(issue, subscriber) for subscriber in subscribers]


def _print(name: str, side: Side, baseline: float) -> None:
    seconds = median(side.seconds)
    cpu = ", ".join(
        f"{process} {median(run[process] for run in side.cpu) / CASE.messages * 1e6:.0f}"
        for process in side.cpu[0]
    )
    print(
        f"   {name:<16} {CASE.messages / seconds:7,.0f} a second  {baseline / seconds:5.2f} times"
        f"   CPU µs a message: {cpu}",
        flush=True,
    )


if __name__ == "__main__":
    main()
