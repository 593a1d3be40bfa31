"""The web process of `digest up` answers on a socket that was open before it."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from digest.embedded import checks, programs
from digest.embedded.supervisor import Supervisor


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """An open socket, on any port."""
    with checks.listen("127.0.0.1", 0, "--port") as listener:
        yield listener


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """A supervisor that is stopped, in a hurry, at the end."""
    supervisor = Supervisor(tmp_path, lambda _: None)
    yield supervisor
    supervisor.stop(hurry=lambda: True)


def request(listener: socket.socket) -> HTTPConnection:
    """Send a request; its answer may be read later."""
    connection = HTTPConnection("127.0.0.1", checks.port_of(listener), timeout=30)
    connection.request("GET", "/healthz", headers={"Host": "localhost"})
    return connection


def test_whoever_asks_before_the_web_process_runs_is_answered(
    listener: socket.socket, supervisor: Supervisor
) -> None:
    """At its first start, and while it is started again after a kill."""
    early = request(listener)
    supervisor.start(programs.web(listener))
    assert early.getresponse().status == 200

    web = supervisor.children[0].process
    os.killpg(web.pid, signal.SIGKILL)
    web.wait()
    answer = request(listener)
    supervisor.look()
    assert answer.getresponse().status == 200
    assert supervisor.children[0].process.pid != web.pid


def test_slow_clients_silence_nobody(listener: socket.socket, supervisor: Supervisor) -> None:
    """More of them than there are threads in the processes of `digest web`."""
    supervisor.start(programs.web(listener))
    assert request(listener).getresponse().status == 200
    with ExitStack() as stack:
        for _ in range(40):
            client = socket.create_connection(("127.0.0.1", checks.port_of(listener)))
            stack.enter_context(closing(client)).sendall(b"GET / HTTP/1.1\r\nX: ")
        assert [request(listener).getresponse().status for _ in range(10)] == [200] * 10
