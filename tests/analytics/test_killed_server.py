"""A web server that is killed, stopped, and finds Valkey empty: what becomes of its hits."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import psutil
import pytest
import redis
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from digest.analytics.models import Hit
from digest.cli import processes
from digest.core import links
from digest.issues.models import Issue, TrackedLink
from digest.sending.compiling import compiled_for
from digest.subscribers.models import Subscriber
from tests.cast import LONG_AGO, NOON, make_issue, make_newsletter, make_publication, make_story
from tests.ports import reserve_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_clock]
CLICKS = 5_000
PATIENCE = 60  # seconds


@pytest.fixture
def issue() -> Issue:
    """An issue whose clicks are counted for each subscriber."""
    newsletter = make_newsletter(publication=make_publication(tracking="individual"))
    issue = make_issue(newsletter, state="sent", planned_at=NOON)
    make_story(issue)
    compiled_for(issue)
    emails = [f"{number}@reader.example" for number in range(CLICKS)]
    Subscriber.objects.bulk_create(
        Subscriber(email=email, address_key=email, created_at=LONG_AGO) for email in emails
    )
    return issue


@contextmanager
def serving() -> Iterator[tuple[psutil.Process, int]]:
    """The real web server with one worker, on the tests' database."""
    port = reserve_port()
    parameters = {"dbname": connection.settings_dict["NAME"]}
    url = make_conninfo(os.environ["DIGEST_DATABASE_URL"], **parameters)
    command = [sys.executable, "-m", *processes.web(bind=f"127.0.0.1:{port}", workers=1, threads=4)]
    environment = os.environ | {"DIGEST_DATABASE_URL": url}
    with subprocess.Popen(command, env=environment) as process:
        try:
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()


def click(port: int, paths: Iterator[str]) -> list[float]:
    """Follow links, one after the other, until the server hangs up; return when it answered."""
    answered: list[float] = []
    client = HTTPConnection("127.0.0.1", port, timeout=5)
    for path in paths:
        try:
            client.request("GET", path, headers={"User-Agent": "Mozilla/5.0 Firefox/140.0"})
            response = client.getresponse()
            response.read()
        except OSError:
            break
        assert response.status == 302
        answered.append(time.monotonic())
    return answered


def wait_until_ready(port: int) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            client = HTTPConnection("127.0.0.1", port, timeout=5)
            client.request("GET", "/healthz")
            if client.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server does not answer")


def test_a_killed_worker_loses_one_second_at_most(issue: Issue) -> None:
    """By kill -9, with Valkey emptied meanwhile; none is counted twice; a stop loses none."""
    link = TrackedLink.objects.get(kind="link")
    base = links.click_url(issue, link).removeprefix(settings.DIGEST_BASE_URL)
    subscribers = Subscriber.objects.order_by("pk")
    paths = [f"{base}/{links.clicker_token(issue, row)}" for row in subscribers]
    rest = iter(paths)

    def until_killed(worker: psutil.Process) -> Iterator[str]:
        start = time.monotonic()
        for number, path in enumerate(rest):
            yield path
            if number == 20:
                redis.Redis.from_url(settings.DIGEST_REDIS_URL).flushall()
            if time.monotonic() > start + 1.5:
                worker.send_signal(signal.SIGKILL)

    with serving() as (server, port):
        wait_until_ready(port)
        [worker] = server.children()
        answered = click(port, until_killed(worker))
        killed_at = answered[-1]
        first = len(answered)
        wait_until_ready(port)
        after = len(click(port, (path for path, _ in zip(rest, range(100), strict=False))))
    in_last_second = sum(1 for moment in answered if moment > killed_at - 1)
    clickers = list(Hit.objects.values_list("subscriber_id", flat=True))
    assert len(clickers) == len(set(clickers))
    assert first + after - in_last_second <= len(clickers) <= first + after + 1
    assert first > in_last_second
    assert after > 0
