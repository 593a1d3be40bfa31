"""Digest's side: an issue of some size, planned, and sent by as many processes as asked for."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tests.services  # noqa: F401  starts PostgreSQL, and names it in the environment
from benchmarks import _django
from digest.loading import modules_that_stay

if TYPE_CHECKING:
    from collections.abc import Callable

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
        numbers, _, distance = text.partition("@")
        case = cls(
            *(int(number) for number in numbers.split("x")), milliseconds=float(distance or 0)
        )  # type: ignore[misc]
        if case.kilobytes not in SIZES:
            raise SystemExit(f"{text}: mails have {', '.join(map(str, SIZES))} KB.")
        return case

    @property
    def messages(self) -> int:
        """How many are sent in one run."""
        return FAR if self.milliseconds else MESSAGES


def set_up() -> None:
    """Get Django, PostgreSQL and its tables ready."""
    os.environ.setdefault("DIGEST_INBOUND_DOMAIN", "in.courier.example")
    _django.set_up()


def plan_issue(case: Case, subscribers: int) -> bytes:
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


def send(
    case: Case,
    port: int,
    begin: "Callable[[], object]" = lambda: None,
    arriving: int | None = None,
) -> float:
    """Send a planned issue with as many processes; the time from "go" to the last reply.

    `begin` is called right before; `arriving`: how many the relay takes, unless it takes all.
    """
    plan_issue(case, case.messages)
    per_process = max(1, case.connections // case.processes)
    url = f"smtp://127.0.0.1:{port}?starttls=never&connections={per_process}&messages=1000000"
    environment = os.environ | {"DIGEST_SMTP_URL": url, "DIGEST_SEND_SECONDS": "3600"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks._digest", str(cpu_file)],
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
    start = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    for worker in workers:
        assert worker.wait() == 0
    seconds = time.perf_counter() - start
    from digest.issues.models import Issue
    from digest.sending.progress import progress

    sent = progress(Issue.objects.latest("pk")).sent
    assert sent == (case.messages if arriving is None else arriving), sent
    return seconds


def sender_cpu(case: Case) -> float:
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

        profile = os.environ["DIGEST_PROFILE"]
        cProfile.runctx("sending.send_due()", {"sending": sender}, {}, profile)
    else:
        before = time.process_time()
        sender.send_due()
        cpu_file.write_text(str(time.process_time() - before))


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
