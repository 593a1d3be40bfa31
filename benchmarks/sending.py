"""Sending: Digest's whole path, ledger on, beside Postfix's smtp-source, smtplib and Django.

All hand the same number of messages of the same size to Postfix's smtp-sink, in turns, on as many
connections; each composes nothing but Digest, which puts every subscriber's mail together, journals
it, and records the reply in PostgreSQL. Printed: medians, ratios, and where the CPU time went: for
Digest between "go" and the end, without the planning and without the start of a Python process.

    make bench ARGS=sending                       everything (an hour)
    DIGEST_ROUNDS=5 DIGEST_CASES=30x4 ...         some cases: KBxCONNECTIONS[xPROCESSES][@MS]
"""

import os
import smtplib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psutil

import tests.services  # noqa: F401  starts PostgreSQL, and names it in the environment
from benchmarks._relays import SOURCE, distance, sink
from digest.loading import modules_that_stay
from tests import append_only

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "5"))
CASES = os.environ.get(
    "DIGEST_CASES", "30x1 30x4 30x10 30x4x2 30x10x2 12x4 40x4 30x10@20 30x10x2@20"
).split()
MESSAGES = int(os.environ.get("DIGEST_MESSAGES", "20_000"))
FAR = 4_000  # messages of a case at a distance
# Stories in the mail, and words of each one's summary, by kilobytes of the mail.
SIZES = {12: (1, 0), 30: (6, 120), 40: (10, 900)}


@dataclass(frozen=True)
class Case:
    """What is measured."""

    kilobytes: int
    connections: int
    processes: int = 1
    milliseconds: float = 0

    @classmethod
    def read(cls, text: str) -> "Case":
        """Read `KBxCONNECTIONS[xPROCESSES][@MS]`."""
        numbers, _, away = text.partition("@")
        case = cls(*(int(number) for number in numbers.split("x")), milliseconds=float(away or 0))  # type: ignore[misc]
        if case.kilobytes not in SIZES:
            raise SystemExit(f"{text}: mails have {', '.join(map(str, SIZES))} KB.")
        return case

    @property
    def messages(self) -> int:
        """How many are sent in one run."""
        return FAR if self.milliseconds else MESSAGES


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


def _compare(case: Case, port: int, sinking: psutil.Process) -> None:
    size = len(_prepare(case, 2)) if case.messages else 0
    meter = Meter(sinking)
    sides: dict[str, Callable[[], float]] = {
        "digest": lambda: send(case, port, meter.begin),
        "smtp-source": lambda: _source(case, port, size),
        "smtplib": lambda: _smtplib(case, port, size, threads=1),
    }
    if case.milliseconds:
        sides["smtplib, 10 threads"] = lambda: _smtplib(case, port, size, threads=10)
    elif case == Case(30, 4):
        sides["smtplib, 10 threads"] = lambda: _smtplib(case, port, size, threads=10)
        sides["Django's backend"] = lambda: _django(case, port, size)
    results = {name: Measured() for name in sides}
    for _ in range(ROUNDS):
        for name, run in sides.items():
            meter.begin()
            results[name].seconds.append(run())
            used, octets = meter.read()
            results[name].wal.append(octets)
            if name == "digest":
                used["sender"] = _sender_cpu(case)
            for process, seconds in used.items():
                results[name].cpu.setdefault(process, []).append(seconds)
    _say(case, size, results)


def _say(case: Case, size: int, results: dict[str, Measured]) -> None:
    where = f", {case.milliseconds:.0f} ms away" if case.milliseconds else ""
    print(
        f"-- {case.messages:,} messages of {size:,} octets, {case.connections} connections in "
        f"{case.processes} process(es){where}",
        flush=True,
    )
    digest_seconds = median(results["digest"].seconds)
    for name, measured in results.items():
        took = median(measured.seconds)
        cpu = ", ".join(
            f"{process} {median(used) / case.messages * 1e6:.0f}"
            for process, used in measured.cpu.items()
        )
        print(
            f"   {name:<20} {case.messages / took:7,.0f} a second"
            f"  digest: {took / digest_seconds:5.2f} times"
            f"   CPU µs a message: {cpu}{_wal(case, measured)}",
            flush=True,
        )


def _wal(case: Case, measured: Measured) -> str:
    octets = median(measured.wal) / case.messages
    return f"; WAL {octets:.0f} octets" if octets >= 1 else ""


class Meter:
    """What was used since `begin`: CPU seconds by process, and octets of WAL."""

    def __init__(self, sinking: psutil.Process) -> None:
        self._sinking = sinking

    def begin(self) -> None:
        """Measure from now on."""
        self._wal, self._cpu = _wal_octets(), cpu(self._sinking)

    def read(self) -> tuple[dict[str, float], int]:
        """Return what was used."""
        used = {process: now - self._cpu[process] for process, now in cpu(self._sinking).items()}
        return used, _wal_octets() - self._wal


def _wal_octets() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])


def cpu(sinking: psutil.Process) -> dict[str, float]:
    """Return the CPU seconds used so far by process."""
    children = psutil.Process().cpu_times()
    return {
        "sender": children.user
        + children.system
        + children.children_user
        + children.children_system,
        "sink": cpu_seconds(sinking),
        "PostgreSQL": sum(map(cpu_seconds, _postgres())),
    }


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU seconds used so far by a process, and by its children that have ended."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def _postgres() -> list[psutil.Process]:
    # A backend that has ended is among the children of the server, once it is waited for.
    from digest.embedded import postgres

    server = postgres.running(Path(os.environ["DIGEST_DATA_DIR"]) / "postgres")
    return [server, *server.children()] if server else []


# --- the others ------------------------------------------------------------------------


def _source(case: Case, port: int, size: int) -> float:
    arguments = ["-d", "-m", str(case.messages), "-s", str(case.connections), "-l", str(size)]
    begun = time.perf_counter()
    subprocess.run([SOURCE, *arguments, f"127.0.0.1:{port}"], check=True, capture_output=True)
    return time.perf_counter() - begun


def _smtplib(case: Case, port: int, size: int, *, threads: int) -> float:
    message = _filler(size)
    # The others are slow; what they need for a part is what they need.
    part = max(500, case.messages // (10 if threads == 1 else 4))

    def work(count: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            for number in range(count):
                smtp.sendmail("news@courier.example", f"subscriber{number}@reader.example", message)

    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [part // threads] * threads))
    return (time.perf_counter() - begun) * case.messages / (part // threads * threads)


def _django(case: Case, port: int, size: int) -> float:
    from django.core.mail import EmailMultiAlternatives
    from django.core.mail.backends.smtp import EmailBackend

    part = max(200, case.messages // 20)
    text = _filler(size // 5).decode().partition("\r\n\r\n")[2]
    html = _filler(size * 4 // 5).decode().partition("\r\n\r\n")[2]
    messages = []
    for number in range(part):
        message = EmailMultiAlternatives(
            "Tide", text, "news@courier.example", [f"subscriber{number}@reader.example"]
        )
        message.attach_alternative(html, "text/html")
        messages.append(message)
    begun = time.perf_counter()
    EmailBackend(host="127.0.0.1", port=port).send_messages(messages)
    return (time.perf_counter() - begun) * case.messages / part


def _filler(size: int) -> bytes:
    line = b"x" * 70 + b"\r\n"
    return b"Subject: Tide\r\n\r\n" + line * (size // len(line))


# --- Digest ----------------------------------------------------------------------------


def send(
    case: Case,
    port: int,
    begin: "Callable[[], object]" = lambda: None,
    arriving: int | None = None,
) -> float:
    """Send a planned issue with as many processes; the time from "go" to the last reply.

    `begin` is called right before; `arriving`: how many the relay takes, unless it takes all.
    """
    _prepare(case, case.messages)
    per_process = max(1, case.connections // case.processes)
    url = f"smtp://127.0.0.1:{port}?starttls=never&connections={per_process}&messages=1000000"
    environment = os.environ | {"DIGEST_SMTP_URL": url, "DIGEST_SEND_SECONDS": "3600"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.sending", "work", str(cpu_file)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for cpu_file in _cpu_files(case.processes)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
    begin()
    begun = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    for worker in workers:
        assert worker.wait() == 0
    took = time.perf_counter() - begun
    from digest.issues.models import Issue
    from digest.sending.progress import progress

    sent = progress(Issue.objects.latest("pk")).sent
    assert sent == (case.messages if arriving is None else arriving), sent
    return took


def _sender_cpu(case: Case) -> float:
    """Return the CPU seconds that the senders of the last run used between "go" and the end."""
    return sum(float(path.read_text()) for path in _cpu_files(case.processes))


def _cpu_files(processes: int) -> list[Path]:
    return [Path(os.environ["DIGEST_DATA_DIR"]) / f"sender-{n}.cpu" for n in range(processes)]


def _work(cpu_file: Path) -> None:
    """Be one sender: ready, go, send until nothing is due; write down the CPU seconds of it."""
    import django

    with modules_that_stay():  # as a worker does
        django.setup()
        from digest.core import jobs
        from digest.sending import sender

    from django.db import connection

    connection.ensure_connection()
    jobs.enqueue(jobs.SEND_DELIVERIES)  # a worker that runs is connected to the broker
    print("ready", flush=True)
    sys.stdin.readline()
    if os.environ.get("DIGEST_PROFILE"):
        import cProfile

        where = os.environ["DIGEST_PROFILE"]
        cProfile.runctx("sending.send_due()", {"sending": sender}, {}, where)
    else:
        before = time.process_time()
        sender.send_due()
        cpu_file.write_text(str(time.process_time() - before))


def set_up() -> None:
    """Get Django and the database ready."""
    os.environ.setdefault("DIGEST_INBOUND_DOMAIN", "in.courier.example")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    append_only.allow_truncate()


def _prepare(case: Case, subscribers: int) -> bytes:
    """Plan an issue of about that many kilobytes for so many subscribers; return a mail of it."""
    from django.db import connection

    from digest.core import clock
    from digest.issues.models import Issue
    from digest.sending import planning
    from digest.sending.compiling import compiled_for
    from digest.sending.outgoing import SingleRecipient, compose_message
    from digest.sending.segmentation import segmentation_of
    from tests.cast.issues import make_issue, make_story
    from tests.cast.newsletters import make_newsletter
    from tests.cast.subscribers import make_subscribers
    from tests.clock import LONG_AGO

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE newsletters_publication, subscribers_subscriber CASCADE")
    newsletter = make_newsletter()
    make_subscribers(newsletter, subscribers)
    issue = make_issue(newsletter, slot=LONG_AGO)
    stories, summary_words = SIZES[case.kilobytes]
    for number in range(stories):
        summary = "A word of the tide. " * (summary_words // 4)
        make_story(issue, title=f"High water {number}", summary=summary)
    planning.plan_built(clock.now())
    issue = Issue.objects.select_related("newsletter__publication").get(pk=issue.pk)
    segmentation = segmentation_of(issue, compiled_for(issue))
    to = SingleRecipient(1, "subscriber1@reader.example")
    return compose_message(issue, to, segmentation, clock.now()).content


if __name__ == "__main__":
    _work(Path(sys.argv[2])) if sys.argv[1:2] == ["work"] else main()
