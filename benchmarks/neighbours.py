"""What a send and its neighbours cost each other.

    a backup        the pace of a send beside an old snapshot, which keeps old versions of rows
                    alive; beside `digest backup`, which rests while the processors are busy; and
                    beside pg_dump at the usual priority. Each in turns with the pace without it
    small issues    ten small issues that come while two large ones are sent: seconds until the
                    last of them is through, beside the seconds until all is

A large table makes a backup last longer than a send, which begins in the middle of it. Where the
send uses all processors, what a backup at the usual priority takes is missing elsewhere.
DIGEST_MESSAGES sets the subscribers of a large issue (20,000), DIGEST_ROUNDS how often (5).
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import psycopg

import tests.services  # noqa: F401  starts PostgreSQL, and names it in the environment
from benchmarks._digest import MESSAGES, Case, send, set_up
from benchmarks._relays import sink
from digest.core import processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from digest.issues.models import Issue

    # Something that works from its entry to its end.
    Neighbour = Callable[[], AbstractContextManager[None]]

ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "5"))
SMALL, SMALL_ISSUES, LARGE_ISSUES = 50, 10, 2
TARGET = 0.9  # of the pace without a backup
WARM_UP = 5.0  # seconds: then a backup reads tables
BALLAST = 4_000_000  # rows of a large table, so that a backup takes longer than a send


def main() -> None:
    """Measure both."""
    set_up()
    with psycopg.connect(os.environ["DIGEST_DATABASE_URL"]) as session:
        session.execute(
            "CREATE TABLE ballast AS SELECT n, md5(n::text) || '@reader.example' AS address"
            f" FROM generate_series(1, {BALLAST}) AS n"
        )
    with sink() as (port, _):
        _compare_with_backup(port)
        _send_small_beside_large(port)


def _compare_with_backup(port: int) -> None:
    case = Case(30, 4)
    sides: dict[str, Neighbour | None] = {
        "nothing": None,
        "an old snapshot": _snapshot,
        "digest backup": partial(_working, "back up"),
        "pg_dump": partial(_working, "dump"),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, neighbour in sides.items():
            times[name].append(_send_beside(case, port, neighbour))
    for name, seconds in times.items():
        ratio = median(times["nothing"]) / median(seconds)
        print(
            f"   {case.messages / median(seconds):7,.0f} a second beside {name}: {ratio:.2f} times "
            f"(target {TARGET})"
        )


def _send_beside(case: Case, port: int, neighbour: "Neighbour | None") -> float:
    """Return the seconds of a send beside something that works until it is over."""
    if neighbour is None:
        return send(case, port)
    with ExitStack() as stack:

        def begin() -> None:  # the issue is planned and the sender is ready
            stack.enter_context(neighbour())
            time.sleep(WARM_UP)

        return send(case, port, begin)


@contextmanager
def _snapshot() -> "Iterator[None]":
    """Keep a transaction open that sees everything as it is now."""
    with psycopg.connect(os.environ["DIGEST_DATABASE_URL"]) as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.execute("SELECT count(*) FROM sending_chunk")
        yield


@contextmanager
def _working(action: str) -> "Iterator[None]":
    """Let a process of this module work."""
    command = [sys.executable, "-m", "benchmarks.neighbours", action]
    with subprocess.Popen(command, start_new_session=True) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _work(action: str) -> None:
    """Dump the database, or back it up, again and again."""
    import django

    django.setup()
    works = {"dump": _dump, "back up": _back_up}
    if action == "back up":
        processors.lower_priority()
    with TemporaryDirectory() as folder:
        while True:
            works[action](Path(folder) / "backup")


def _dump(_path: Path) -> None:
    from digest.backups import programs

    pg_dump = programs.find_program("pg_dump", programs.server_version())
    command = [pg_dump.path, os.environ["DIGEST_DATABASE_URL"]]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def _back_up(path: Path) -> None:
    from digest.backups import making

    making.make_backup(path, "a passphrase for all of them")
    path.unlink()


def _send_small_beside_large(port: int) -> None:
    first_seconds, all_seconds = [], []
    for _ in range(ROUNDS):
        large, small = _plan_issues()
        url = f"smtp://127.0.0.1:{port}?starttls=never&connections=4&messages=1000000"
        environment = os.environ | {"DIGEST_SMTP_URL": url, "DIGEST_SEND_SECONDS": "3600"}
        start = time.perf_counter()
        command = [sys.executable, "-m", "benchmarks.memory", "work"]
        with subprocess.Popen(command, env=environment):
            first_seconds.append(_wait_for(small, start))
            all_seconds.append(_wait_for(large, start))
    print(
        f"   {SMALL_ISSUES} small issues are through after {median(first_seconds):.1f} s, "
        f"{LARGE_ISSUES} large ones after {median(all_seconds):.1f} s"
    )


def _plan_issues() -> "tuple[list[Issue], list[Issue]]":
    from django.db import connection

    from digest.core import clock
    from digest.sending import planning
    from tests.cast import LONG_AGO, make_issue, make_newsletter, make_story, make_subscribers

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE newsletters_publication, subscribers_subscriber CASCADE")
    many, few = make_newsletter(slug="many"), make_newsletter(slug="few")
    make_subscribers(many, MESSAGES)
    few.subscriptions.bulk_create(
        type(row)(
            newsletter=few,
            subscriber_id=row.subscriber_id,
            state=row.state,
            created_at=LONG_AGO,
            confirmed_at=LONG_AGO,
        )
        for row in many.subscriptions.order_by("subscriber")[:SMALL]
    )
    issues = []
    for newsletter, number in ((many, LARGE_ISSUES), (few, SMALL_ISSUES)):
        for place in range(number):
            issue = make_issue(newsletter, slot=LONG_AGO.replace(minute=place))
            make_story(issue)
            issues.append(issue)
    planning.plan_built(clock.now())
    return issues[:LARGE_ISSUES], issues[LARGE_ISSUES:]


def _wait_for(issues: "list[Issue]", start: float) -> float:
    """Return the seconds from a moment until nothing of these issues waits."""
    from digest.sending.progress import progress

    while any(progress(issue).waiting for issue in issues):
        time.sleep(0.05)
    return time.perf_counter() - start


if __name__ == "__main__":
    if sys.argv[1:]:
        _work(sys.argv[1])
    else:
        main()
