"""Sending: Digest's whole path, ledger on, beside Postfix's smtp-source, smtplib and Django.

All hand the same number of messages of the same size to Postfix's smtp-sink, in turns, on as many
connections; each composes nothing but Digest, which puts every subscriber's mail together, journals
it, and records the reply in PostgreSQL. Printed: medians, ratios, and where the CPU time went: for
Digest between "go" and the end, without the planning and without the start of a Python process.

    make bench ARGS=sending                       everything (an hour)
    DIGEST_ROUNDS=5 DIGEST_CASES=30x4 ...         some cases: KBxCONNECTIONS[xPROCESSES][@MS]
"""

import os
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from benchmarks._digest import Case, plan_issue, send, sender_cpu, set_up
from benchmarks._meter import Meter
from benchmarks._relays import distance, sink
from benchmarks._senders import time_django, time_smtp_source, time_smtplib

if TYPE_CHECKING:
    from collections.abc import Callable

    import psutil

ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "5"))
CASES = os.environ.get(
    "DIGEST_CASES", "30x1 30x4 30x10 30x4x2 30x10x2 12x4 40x4 30x10@20 30x10x2@20"
).split()


@dataclass
class Measured:
    """Seconds of each run, octets of WAL, and CPU seconds by who used them."""

    seconds: list[float] = field(default_factory=list)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    wal: list[int] = field(default_factory=list)


def main() -> None:
    """Measure every case."""
    cases = [Case.read(text) for text in CASES]
    set_up()
    for case in cases:
        _measure(case)


def _measure(case: Case) -> None:
    with sink() as (port, sinking):
        if case.milliseconds:
            with distance(port, case.milliseconds) as far:
                _compare(case, far, sinking)
        else:
            _compare(case, port, sinking)


def _compare(case: Case, port: int, sinking: "psutil.Process") -> None:
    size = len(plan_issue(case, 2)) if case.messages else 0
    meter = Meter(sinking)
    sides: dict[str, Callable[[], float]] = {
        "digest": lambda: send(case, port, meter.begin),
        "smtp-source": lambda: time_smtp_source(case.messages, case.connections, port, size),
        "smtplib": lambda: time_smtplib(case.messages, 1, port, size),
    }
    if case.milliseconds:
        sides["smtplib, 10 threads"] = lambda: time_smtplib(case.messages, 10, port, size)
    elif case == Case(30, 4):
        sides["smtplib, 10 threads"] = lambda: time_smtplib(case.messages, 10, port, size)
        sides["Django's backend"] = lambda: time_django(case.messages, port, size)
    results = {name: Measured() for name in sides}
    for _ in range(ROUNDS):
        for name, run in sides.items():
            meter.begin()
            results[name].seconds.append(run())
            used, octets = meter.read()
            results[name].wal.append(octets)
            if name == "digest":
                used["sender"] = sender_cpu(case)
            for process, seconds in used.items():
                results[name].cpu.setdefault(process, []).append(seconds)
    _print_results(case, size, results)


def _print_results(case: Case, size: int, results: dict[str, Measured]) -> None:
    distance_text = f", {case.milliseconds:.0f} ms away" if case.milliseconds else ""
    print(
        f"-- {case.messages:,} messages of {size:,} octets, {case.connections} connections in "
        f"{case.processes} process(es){distance_text}",
        flush=True,
    )
    digest_seconds = median(results["digest"].seconds)
    for name, measured in results.items():
        seconds = median(measured.seconds)
        cpu = ", ".join(
            f"{process} {median(used) / case.messages * 1e6:.0f}"
            for process, used in measured.cpu.items()
        )
        print(
            f"   {name:<20} {case.messages / seconds:7,.0f} a second"
            f"  digest: {seconds / digest_seconds:5.2f} times"
            f"   CPU µs a message: {cpu}{_wal(case, measured)}",
            flush=True,
        )


def _wal(case: Case, measured: Measured) -> str:
    octets = median(measured.wal) / case.messages
    return f"; WAL {octets:.0f} octets" if octets >= 1 else ""


if __name__ == "__main__":
    main()
