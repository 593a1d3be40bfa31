"""What a sender's memory does over a send of any size: one process, from the first to the last.

One issue to DIGEST_SUBSCRIBERS subscribers (1,000,000) goes out through Postfix's smtp-sink by a
single process, as a worker sends: runs of eight seconds, one after the other. Printed: its resident
memory at each tenth, and the growth from the second tenth to the last.
"""

import os
import sys
import time
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING

import psutil

import tests.services  # noqa: F401  starts PostgreSQL, and names it in the environment
from benchmarks._relays import sink

if TYPE_CHECKING:
    from collections.abc import Callable

    from digest.issues.models import Issue

SUBSCRIBERS = int(os.environ.get("DIGEST_SUBSCRIBERS", "1_000_000"))
MB = 1024 * 1024


def main() -> None:
    """Send, and look at each tenth."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    issue = _planned()
    from digest.sending.progress import progress

    with sink() as (port, _):
        url = f"smtp://127.0.0.1:{port}?starttls=never&connections=4&messages=1000000"
        environment = os.environ | {"DIGEST_SMTP_URL": url}
        start = time.perf_counter()
        with Popen(
            [sys.executable, "-m", "benchmarks.memory", "work"], env=environment, stdout=PIPE
        ) as worker:
            at_tenth = _watch(worker, lambda: progress(issue).sent)
        seconds = time.perf_counter() - start
    assert progress(issue).sent == SUBSCRIBERS, progress(issue)
    for tenth, resident in sorted(at_tenth.items()):
        print(f"   {tenth * SUBSCRIBERS // 10:>12,} sent {resident / MB:8.1f} MB")
    grown = (at_tenth[max(at_tenth)] - at_tenth[2]) / MB
    print(
        f"   {SUBSCRIBERS:,} in {seconds:,.0f} s ({SUBSCRIBERS / seconds:,.0f} a second);"
        f" grown {grown:+.1f} MB"
    )
    size = Path(os.environ["DIGEST_DATA_DIR"]) / "journals"
    print(f"   journals left: {sum(path.stat().st_size for path in size.glob('*'))} octets")


def _watch(worker: "Popen[bytes]", sent: "Callable[[], int]") -> dict[int, int]:
    process, at_tenth = psutil.Process(worker.pid), dict[int, int]()
    while worker.poll() is None:
        resident = process.memory_info().rss
        at_tenth.setdefault(sent() * 10 // SUBSCRIBERS, resident)
        time.sleep(0.2)
    return at_tenth


def _planned() -> "Issue":
    """Insert subscribers by one statement, and plan an issue for them."""
    from django.db import connection

    from digest.core import clock
    from digest.issues.models import Issue
    from digest.sending import planning
    from tests.cast import LONG_AGO, make_issue, make_newsletter, make_story

    newsletter = make_newsletter()
    with connection.cursor() as cursor:
        cursor.execute(_SUBSCRIBERS, [LONG_AGO, SUBSCRIBERS])
        cursor.execute(_SUBSCRIPTIONS, [newsletter.pk, LONG_AGO, LONG_AGO])
        cursor.execute("ANALYZE")
    issue = make_issue(newsletter, slot=LONG_AGO)
    make_story(issue, title="High water")
    planning.plan_built(clock.now())
    return Issue.objects.get(pk=issue.pk)


_SUBSCRIBERS = """
INSERT INTO subscribers_subscriber (email, address_key, name, language, timezone, created_at)
SELECT address, address, '', '', '', %s
FROM (
    SELECT 'subscriber' || n || '@reader.example' AS address FROM generate_series(1, %s) AS n
) AS addresses
"""
_SUBSCRIPTIONS = """
INSERT INTO subscribers_subscription (subscriber_id, newsletter_id, state, created_at, confirmed_at)
SELECT id, %s, 'active', %s, %s FROM subscribers_subscriber
"""


def _work() -> None:
    """Be one sender, until nothing is due."""
    import django

    django.setup()
    from digest.sending import sender

    while sender.send_due().total:
        pass


if __name__ == "__main__":
    _work() if sys.argv[1:] == ["work"] else main()
