"""What a send and its neighbours cost each other.

    a backup        the pace of a send beside an old snapshot, which keeps old versions of rows
                    alive; beside pg_dump at the lowest priority, as docs/operating.md advises; and
                    beside pg_dump at the usual one. Each in turns with the pace without it
    small issues    ten small issues that come while two large ones are sent: seconds until the
                    last of them is through, beside the seconds until all is

pg_dump runs again and again. Where the send uses all processors, what one at the usual priority
takes is missing elsewhere. DIGEST_MESSAGES sets the subscribers of a large issue (20,000),
DIGEST_ROUNDS how often (5).
"""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import TYPE_CHECKING

import psycopg

import tests.services  # noqa: F401  starts PostgreSQL, and names it in the environment
from benchmarks._digest import MESSAGES, Case, send, set_up
from benchmarks._relays import sink

if TYPE_CHECKING:
    from collections.abc import Callable

    from digest.issues.models import Issue

ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "5"))
SMALL, SMALL_ISSUES, LARGE_ISSUES = 50, 10, 2
TARGET = 0.9  # of the pace without a backup


def main() -> None:
    """Measure both."""
    set_up()
    with sink() as (port, _):
        _compare_with_backup(port)
        _send_small_beside_large(port)


def _compare_with_backup(port: int) -> None:
    case = Case(30, 4)
    sides: dict[str, Callable[[Event], object] | None] = {
        "nothing": None,
        "an old snapshot": _keep_snapshot_until,
        "pg_dump at the lowest priority": partial(_dump_until, priority=19),
        "pg_dump": partial(_dump_until, priority=0),
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


def _send_beside(case: Case, port: int, neighbour: "Callable[[Event], object] | None") -> float:
    """Return the seconds of a send beside something that works until it is over."""
    if neighbour is None:
        return send(case, port)
    over = Event()
    thread = Thread(target=neighbour, args=(over,))
    try:
        return send(case, port, thread.start)
    finally:
        over.set()
        thread.join()


def _keep_snapshot_until(over: Event) -> None:
    """Keep a transaction open that sees everything as it is now."""
    with psycopg.connect(os.environ["DIGEST_DATABASE_URL"]) as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.execute("SELECT count(*) FROM sending_chunk")
        over.wait()


def _dump_until(over: Event, priority: int) -> None:
    """Dump the database again and again, and throw it away."""
    from digest.embedded import postgres

    server = postgres.running(Path(os.environ["DIGEST_DATA_DIR"]) / "postgres")
    assert server is not None
    pg_dump = str(Path(server.exe()).with_name("pg_dump"))
    command = ["nice", "-n", str(priority), pg_dump, os.environ["DIGEST_DATABASE_URL"]]
    while not over.is_set():
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as dump:
            while dump.poll() is None:
                if over.wait(0.05):
                    dump.terminate()


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
    main()
