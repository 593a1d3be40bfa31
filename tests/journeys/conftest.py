"""One running `digest up` for all journeys: its first digest takes up to a minute to fall due."""

import signal
from collections.abc import Iterator

import pytest

from digest.embedded import checks, postgres
from tests.journeys.upside import Up

READERS = 5


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """`digest up` on a folder and a port of its own, ready."""
    port = checks.free_port("127.0.0.1", 0)
    running = Up(tmp_path_factory.mktemp("up") / "data", port)
    try:
        running.start()
        yield running
    finally:
        if running.process.poll() is None:
            running.signal(signal.SIGTERM)
        postgres.stop(running.data / "postgres")  # where a failed test had it killed


@pytest.fixture(scope="session")
def delivered(up: Up) -> Up:
    """The same, once every reader has the first digest, and the terminal says so."""
    up.wait_for(lambda: len(up.mails()) >= READERS, 100, "the first digest")
    up.wait_for(lambda: "The first digest is in the mailbox" in up.said, 5, "word of it")
    return up
