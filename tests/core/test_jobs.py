"""Nudges: after the commit, and never in a person's way."""

import socket
import time
from collections.abc import Iterator

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from digest.core import jobs


@pytest.fixture
def hung(settings: Settings) -> Iterator[None]:
    """A Valkey that lets one in and says nothing, as a stopped one does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.DIGEST_BROKER_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        jobs._publisher.cache_clear()
        yield
    jobs._publisher.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_long_for_a_broker_that_hangs(hung: None) -> None:
    """The nudge is dropped, and said so; a sweep finds the work."""
    start = time.monotonic()
    with capture_logs() as logs:
        jobs.enqueue(jobs.DELIVER_WEBHOOKS)
    assert time.monotonic() - start < 8
    assert [entry["event"] for entry in logs] == ["nudge lost, a sweep will follow"]


@pytest.mark.django_db(transaction=True)
def test_a_nudge_waits_for_the_commit(hung: None) -> None:
    """What is rolled back nudges nobody."""
    with capture_logs() as logs, transaction.atomic():
        jobs.enqueue(jobs.DELIVER_WEBHOOKS)
        transaction.set_rollback(True)
    assert logs == []


def test_a_job_that_nobody_does_is_refused() -> None:
    """It would lie in a queue for ever."""
    with pytest.raises(LookupError):
        jobs.enqueue("webhooks.shout")
