"""Real workers, a real beat, a real broker, and what can befall them in the middle of a send."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis
from django.db import connection
from psycopg.conninfo import make_conninfo

from digest.cli import processes
from digest.embedded import valkey
from digest.issues.models import Issue
from digest.sending.models import Delivery
from digest.sending.progress import progress
from tests.cast import LONG_AGO, make_issue, make_newsletter, make_story, make_subscribers
from tests.smtp_server import SmtpServer

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[2]
SUBSCRIBERS = 300
State = Delivery.State


class Workers:
    """A broker, a worker and a beat, on the database of this test."""

    def __init__(self, folder: Path, relay: SmtpServer) -> None:
        self.broker, url = valkey.start(folder / "valkey")
        self.redis = redis.Redis.from_url(url)
        self.log = folder / "log"
        self.environment = os.environ | {
            "DIGEST_DATABASE_URL": make_conninfo(
                os.environ["DIGEST_DATABASE_URL"], dbname=connection.settings_dict["NAME"]
            ),
            "DIGEST_REDIS_URL": url,
            "DIGEST_SMTP_URL": relay.url,
            "DIGEST_LEASE_SECONDS": "3",
            "DIGEST_TICK_SECONDS": "1",
            "DIGEST_SEND_SECONDS": "2",
        }
        self.beat = self._run(*processes.beat())
        self.start()

    def start(self) -> None:
        """Start the worker."""
        self.worker = self._run(*processes.worker(concurrency=2, queues=[]))

    def kill_children(self) -> None:
        """Kill the processes that do the work, without a warning."""
        for child in psutil.Process(self.worker.pid).children():
            child.kill()

    def stop(self) -> None:
        """End everything that was started here."""
        self.beat.kill()  # it keeps nothing, and may be waiting for a broker that is away
        self.worker.terminate()
        for process in (self.beat, self.worker):
            try:
                process.wait(30)
            finally:
                process.kill()
        self.redis.close()
        self.broker.stop()

    def _run(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )


@pytest.fixture
def relay() -> Iterator[SmtpServer]:
    """A relay that takes a moment for each message."""
    with SmtpServer(delay=0.1) as server:
        yield server


@pytest.fixture
def workers(tmp_path: Path, relay: SmtpServer) -> Iterator[Workers]:
    """Running workers."""
    started = Workers(tmp_path, relay)
    try:
        yield started
    finally:
        started.stop()


def make_waiting(subscribers: int = SUBSCRIBERS) -> Issue:
    """An issue that is built, for many subscribers; it is sent again when uncertain."""
    newsletter = make_newsletter(uncertain="resend")
    make_subscribers(newsletter, subscribers)
    issue = make_issue(newsletter, slot=LONG_AGO)
    make_story(issue)
    return issue


def wait_for(fact: Callable[[], bool], seconds: float, description: str, log: Path) -> None:
    """Wait until something holds, or fail with what the workers said."""
    give_up = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < give_up, (
            f"waited in vain for {description}:\n{log.read_text()[-5000:]}"
        )
        time.sleep(0.05)


def check_everyone_once_unless_uncertain(issue: Issue, relay: SmtpServer) -> None:
    """Assert that nobody is lost and a repeat is not a surprise."""
    times_uncertain = dict(
        issue.deliveries.filter(times_uncertain__gt=0).values_list(
            "subscriber__email", "times_uncertain"
        )
    )
    received = Counter(relay.recipients)
    assert len(received) == progress(issue).sent == SUBSCRIBERS
    assert {email for email, count in received.items() if count > 1} <= times_uncertain.keys()
    assert all(count <= 1 + times_uncertain.get(email, 0) for email, count in received.items())


def is_sent(issue: Issue) -> bool:
    """Say whether the issue is done."""
    issue.refresh_from_db()
    return issue.state == Issue.State.SENT


def test_killed_workers_and_a_flushed_broker_lose_nobody(
    workers: Workers, relay: SmtpServer
) -> None:
    """Everyone gets the issue; twice only who was in flight at a kill, and it is on record."""
    issue = make_waiting()

    def has_received(count: int) -> Callable[[], bool]:
        return lambda: len(relay.received) >= count

    wait_for(has_received(30), 30, "the first mails", workers.log)
    workers.redis.flushall()
    wait_for(has_received(90), 30, "mails after the flush", workers.log)
    workers.kill_children()
    wait_for(has_received(150), 30, "mails after the kill", workers.log)
    workers.worker.kill()
    workers.worker.wait()
    workers.redis.flushall()
    workers.start()
    wait_for(lambda: is_sent(issue), 60, "the end", workers.log)
    check_everyone_once_unless_uncertain(issue, relay)


@pytest.mark.parametrize("with_children", [False, True])
def test_a_worker_that_is_told_to_stop_leaves_nothing_uncertain(
    workers: Workers, relay: SmtpServer, *, with_children: bool
) -> None:
    """SIGTERM: it ends within its time, gives back what it had claimed, and another goes on.

    Also where systemd or a terminal sends it to each of its processes.
    """
    issue = make_waiting()
    wait_for(lambda: len(relay.received) >= 60, 30, "some mails", workers.log)
    children = psutil.Process(workers.worker.pid).children() if with_children else []
    for process in (workers.worker, *children):
        process.send_signal(signal.SIGTERM)
    assert workers.worker.wait(10) == 0
    assert progress(issue).in_flight == 0
    assert len(relay.received) < SUBSCRIBERS
    workers.start()
    wait_for(lambda: is_sent(issue), 60, "the end", workers.log)
    assert len(relay.received) == SUBSCRIBERS
    check_everyone_once_unless_uncertain(issue, relay)
