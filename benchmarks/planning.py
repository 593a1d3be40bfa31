"""The planning of an issue, beside a bare INSERT … SELECT of the same rows.

Planning looks at every subscription, pause, cadence and suppression, and deals the subscribers to
chunks, in bounded steps; the issue is compiled before, which takes the same at any size. Beside it,
in turns in one run:

    bare          one INSERT … SELECT of the subscribers' ids, ready in a table: a row for each in
                  the table of deliveries, with its indexes and foreign keys; the trigger that keeps
                  the tally is off
    by zones      planning where the newsletter is sent in local time, to subscribers in many zones
    thousandth    planning when the table holds as many older deliveries

"Sending" is the time until the issue may be claimed: with the first step, while the others are
planned for. DIGEST_SUBSCRIBERS sets how many (1,000,000), DIGEST_ROUNDS how often (5); medians
count. Memory is that of a process that plans for a tenth of them, and of one that plans for all.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks._django import seconds_of, set_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from digest.issues.models import Issue

SUBSCRIBERS = int(os.environ.get("DIGEST_SUBSCRIBERS", "1_000_000"))
ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "5"))
TARGET = 2.0
SUPPRESSED = 100  # every so many
_opened: list[float] = []  # seconds until an issue could be claimed
ZONES = (
    *("", "Pacific/Auckland", "Asia/Tokyo", "Asia/Kolkata", "Europe/Berlin", "Europe/London"),
    *("America/Sao_Paulo", "America/New_York", "America/Chicago", "America/Los_Angeles"),
)


def main() -> None:
    """Time the sides in turns, then look at memory, and print what came out."""
    set_up()
    _make_subscribers()
    sides: dict[str, Callable[[], float]] = {
        "bare": _bare,
        "planning": _planning,
        "by zones": lambda: _planning(send_in_local_time=True),
        "thousandth": lambda: _planning(older=True),
    }
    times: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(ROUNDS):
        for side, work in sides.items():
            times[side].append(work())
    least = median(times["bare"])
    for side, seconds in times.items():
        mid = median(seconds)
        ratio = "" if side == "bare" else f"{mid / least:.2f} x the bare one (target {TARGET})"
        print(f"{side:<12}{mid:7.1f} s  {_planned() / mid:9,.0f} rows/s  {ratio}")
    print(f"sending after {median(_opened):.2f} s")
    few, everyone = _peak("few"), _peak("many")
    print(f"peak memory: {few:.0f} MB for a tenth, {everyone:.0f} MB for all")


def _make_subscribers() -> None:
    """Make the subscribers, a newsletter for all and one for a tenth of them, and suppressions."""
    from tests.cast import NOON, make_newsletter, make_schedule

    for slug, share in (("many", 1), ("few", 10)):
        newsletter = make_newsletter(slug=slug)
        make_schedule(newsletter, since=NOON - timedelta(days=9))
        if share == 1:
            _run(
                "INSERT INTO subscribers_subscriber"
                " (email, address_key, name, language, timezone, created_at)"
                " SELECT address, address, '', '', (%s::text[])[1 + n %% %s], %s FROM"
                " (SELECT n, md5(n::text) || '@reader.example' AS address"
                " FROM generate_series(1, %s) AS n) AS people",
                [list(ZONES), len(ZONES), NOON, SUBSCRIBERS],
            )
        _run(
            "INSERT INTO subscribers_subscription"
            " (subscriber_id, newsletter_id, state, created_at, confirmed_at)"
            " SELECT id, %s, 'active', %s, %s FROM subscribers_subscriber WHERE id %% %s = 0",
            [newsletter.pk, NOON, NOON, share],
        )
    _run(
        "INSERT INTO subscribers_suppression (address_key, reason, evidence, created_at)"
        " SELECT address_key, 'bounce', '', created_at FROM subscribers_subscriber"
        " WHERE id %% %s = 0",
        [SUPPRESSED],
    )
    _run(
        "CREATE TABLE ready AS SELECT id FROM subscribers_subscriber WHERE id %% %s <> 0"
        " ORDER BY id",
        [SUPPRESSED],
    )
    _run("VACUUM ANALYZE")


def _bare(state: int = 0) -> float:
    """Lay down the rows of an issue without planning it; return the seconds."""
    _empty()
    issue = _issue()
    _run("ALTER TABLE sending_delivery DISABLE TRIGGER sending_record_tally_insert")
    seconds = seconds_of(
        lambda: _run(
            "INSERT INTO sending_delivery"
            " (issue_id, subscriber_id, state, due_at, attempts, times_uncertain, reply,"
            " settled_at)"
            " SELECT %s, id, %s, %s, 0, 0, '', %s FROM ready",
            [issue.pk, state, issue.slot, issue.slot if state else None],
        )
    )
    _run("ALTER TABLE sending_delivery ENABLE TRIGGER sending_record_tally_insert")
    issue.state = issue.State.SENT
    issue.save(update_fields=["state"])
    return seconds


def _planning(*, send_in_local_time: bool = False, older: bool = False) -> float:
    """Plan an issue; return the seconds."""
    from digest.newsletters.models import Newsletter
    from digest.sending.progress import progress

    _empty()
    if older:
        _bare(state=3)
    Newsletter.objects.update(send_in_local_time=send_in_local_time)
    issue = _issue()
    _run("CHECKPOINT")
    with ThreadPoolExecutor(1) as pool:
        opened = pool.submit(_wait_until_sending, issue)
        seconds = seconds_of(lambda: _plan(issue))
        _opened.append(opened.result())
    assert progress(issue).queued == _planned()
    return seconds


def _wait_until_sending(issue: "Issue") -> float:
    """Return the seconds until senders may claim."""
    from django.db import connection

    from digest.issues.models import Issue

    start = time.perf_counter()
    while not Issue.objects.filter(pk=issue.pk, state=Issue.State.SENDING).exists():
        time.sleep(0.01)
    connection.close()
    return time.perf_counter() - start


def _issue(slug: str = "many") -> "Issue":
    """Return a new issue that is built and compiled."""
    from digest.issues.models import Issue
    from digest.newsletters.models import Newsletter
    from digest.sending.compiling import compiled_for
    from tests.cast import NOON, make_issue, make_story

    newsletter = Newsletter.objects.get(slug=slug)
    slot = NOON - timedelta(minutes=Issue.objects.count())
    issue = make_issue(newsletter, slot=slot)
    make_story(issue)
    compiled_for(issue)
    return issue


def _plan(issue: "Issue") -> None:
    from digest.sending import planning
    from tests.cast import NOON

    assert issue in planning.plan_built(NOON)


def _planned() -> int:
    return SUBSCRIBERS - SUBSCRIBERS // SUPPRESSED


def _empty() -> None:
    _run("UPDATE issues_issue SET state = 'sent'")
    _run("TRUNCATE sending_delivery, sending_chunk, sending_sentdelivery, sending_tally")
    _run("CHECKPOINT")


def _run(statement: str, parameters: list[Any] | None = None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _peak(slug: str) -> float:
    """Return the largest resident size, in MB, of a process that plans a newsletter's issue."""
    _empty()
    code = (
        "import benchmarks.planning as b, resource, sys; b.set_up();"
        "b._plan(b._issue(sys.argv[1]));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, slug], check=True, capture_output=True, text=True
    )
    return float(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
