"""A worker and beat tell their supervisor when they are ready, and a worker when it stops."""

import socket
from pathlib import Path

import pytest

from tests.smtp_server import SmtpServer
from tests.workers.test_processes import Workers

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_the_supervisor_is_notified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it stops the old process when the new one takes tasks, and not before."""
    address = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(address))
    with SmtpServer() as relay, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(address))
        supervisor.settimeout(60)
        workers = Workers(tmp_path, relay)
        try:
            assert [supervisor.recv(100), supervisor.recv(100)] == [b"READY=1", b"READY=1"]
            assert workers.worker.poll() is None
            assert workers.beat.poll() is None
        finally:
            workers.stop()
        assert supervisor.recv(100) == b"STOPPING=1"
