"""A running `digest up` for all journeys that only look, and one for those that come and leave.

Its first digest takes up to a minute to fall due. One waits for it as a person does; for the
others, whose journeys begin with it, it is due at once.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from digest.embedded import postgres
from tests.journeys.upside import Up, close_terminals, digest

SUBSCRIBERS = 5
OWNER, PASSWORD = "ada@courier.example", "correct-horse-battery"
TICKS = {"DIGEST_TICK_SECONDS": "2"}  # beat looks more often, so everything comes sooner
AT_ONCE = {"DIGEST_SAMPLE_HEAD_START": "-60"}  # the first digest is due when it has started
expect.set_options(timeout=15_000)  # as long as an action may take


@contextmanager
def running(data: Path, *arguments: str, **environment: str) -> Iterator[Up]:
    """`digest up` on a folder and a port of its own, ready."""
    up = Up(data, *arguments, **TICKS | environment)
    try:
        up.start()
        yield up
    finally:
        close_terminals(up.data)
        if up.process.poll() is None:
            up.signal(signal.SIGTERM)
        postgres.stop(up.data / "postgres")  # where a failed test had it killed


def wait_for_the_first_digest(up: Up) -> None:
    """Wait until every subscriber has it, and the terminal says so."""
    up.wait_for(lambda: len(up.mails()) >= SUBSCRIBERS, 100, "the first digest")
    up.wait_for(lambda: "The first digest is in the mailbox" in up.said, 5, "word of it")


@pytest.fixture(scope="package")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """`digest up` for all who only look."""
    with running(tmp_path_factory.mktemp("up") / "data") as up:
        yield up


@pytest.fixture(scope="package")
def delivered(up: Up) -> Up:
    """The same with the first digest, and nothing but that, in the mailbox."""
    wait_for_the_first_digest(up)
    return up


@pytest.fixture(scope="package")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Another one, in which people come, write and leave."""
    with running(tmp_path_factory.mktemp("lived-in") / "data", **AT_ONCE) as up:
        wait_for_the_first_digest(up)
        yield up


@pytest.fixture(scope="package")
def owned(lived_in: Up) -> Up:
    """The same, with an owner who can sign in to its console."""
    create_account(lived_in, OWNER)
    return lived_in


def create_account(up: Up, email: str) -> None:
    """Let somebody own everything; their password is PASSWORD."""
    digest(
        "createsuperuser",
        "--noinput",
        data=up.data,
        DJANGO_SUPERUSER_EMAIL=email,
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
