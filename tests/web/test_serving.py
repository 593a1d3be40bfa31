"""The web server against clients that are slow, large or too many."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from waitress import wasyncore
from waitress.task import ThreadedTaskDispatcher

from digest.web import serving
from digest.web.body_limits import LARGEST_BODY, UPLOADS
from digest.web.serving import Server, server_on
from tests import cpu

THREADS = 2
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "
IMPORT, *_ = UPLOADS


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Say how much was sent; `/large` answers with much."""
    read = len(environ["wsgi.input"].read())
    refused = int(environ.get("CONTENT_LENGTH") or 0) > read
    body = b"x" * 8_000_000 if environ["PATH_INFO"] == "/large" else str(read).encode()
    status = "413 Content Too Large" if refused else "200 OK"
    start_response(status, [("Content-Length", str(len(body)))])
    return [body]


class Running:
    """A server in a thread, whose clock the test moves."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.ahead = 0.0  # seconds
        self.stopped = False
        self.sockets: dict[int, Any] = {}
        self.dispatcher = ThreadedTaskDispatcher()
        self.dispatcher.set_thread_count(THREADS)
        self.server: Server = server_on(self.listener, self.sockets, self.dispatcher, app)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        while not self.stopped:
            wasyncore.poll2(0.02, self.sockets)
            self.server.tidy(time.monotonic() + self.ahead)

    def stop(self) -> None:
        self.stopped = True
        self.thread.join()
        self.dispatcher.shutdown()
        wasyncore.close_all(self.sockets)

    def request(self, path: str = "/", method: str = "GET", body: Any = None) -> HTTPResponse:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request(method, path, body, {"Host": "localhost"})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response

    @contextmanager
    def connected(self, *first: bytes) -> Iterator[list[socket.socket]]:
        """Connect, once for each of `first`, and send it."""
        with ExitStack() as stack:
            clients = []
            for octets in first:
                client = socket.create_connection(("127.0.0.1", self.port), timeout=5)
                clients.append(stack.enter_context(closing(client)))
                client.sendall(octets)
            yield clients


def reply(client: socket.socket) -> tuple[int, bytes]:
    """Read a response; return its status and body."""
    response = HTTPResponse(client)
    response.begin()
    return response.status, response.read()


@pytest.fixture
def running() -> Iterator[Running]:
    """A server that answers."""
    running = Running()
    yield running
    running.stop()


def is_closed(client: socket.socket, within: float = 2.0) -> bool:
    """Say whether the server hangs up soon."""
    client.settimeout(within)
    try:
        return not client.recv(100)
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    "dribble",
    [
        b"G",
        HEAD,
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx",
    ],
)
def test_clients_that_dribble_silence_nobody(running: Running, dribble: bytes) -> None:
    """They cost a socket, no thread: many more than there are threads."""
    with running.connected(*[dribble] * 20 * THREADS) as clients:
        for client in clients:
            client.sendall(b"x")
        assert running.request().status == 200


def test_clients_that_do_not_read_silence_nobody(running: Running) -> None:
    """A response waits for its reader outside of the threads."""
    octets = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with running.connected(*[octets] * 3 * THREADS):
        time.sleep(0.2)
        assert running.request().status == 200


@pytest.mark.parametrize(
    ("sent", "in_time", "too_late"),
    [
        (b"", 18, 22),
        (HEAD, 18, 22),
        (b"POST / HTTP/1.1\r\nContent-Length: 999999\r\n\r\nx", 18, 22),
        (b"GET /large HTTP/1.1\r\n\r\n", 60, 522),  # a minute, and more by its size
    ],
)
def test_every_step_has_a_deadline(
    running: Running, sent: bytes, in_time: float, too_late: float
) -> None:
    """Nothing sent, half a head, half a body, a response that nobody reads."""
    with running.connected(sent):
        time.sleep(0.2)
        running.ahead = in_time
        time.sleep(0.1)
        assert len(running.server.active_channels) == 1
        running.ahead = too_late
        time.sleep(0.1)
        assert not running.server.active_channels


def test_a_body_that_comes_fast_enough_has_the_time_it_needs(running: Running) -> None:
    """A large file over a slow line is not a dribble."""
    head = b"POST %s HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n" % IMPORT.encode()
    with running.connected(head + b"x" * 1_000_000) as [client]:
        time.sleep(0.3)
        running.ahead = serving.PATIENCE + 50  # a million bytes have come in seventy seconds
        time.sleep(0.1)
        client.sendall(b"x" * 1_000_000)
        assert reply(client) == (200, b"2000000")


def test_when_it_gets_crowded_the_longest_wait_ends(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new client is served, whoever holds all the connections."""
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 10)
    with running.connected(*[HEAD] * 10) as clients:
        assert running.request().status == 200
        with running.connected(*[HEAD] * 3):
            assert is_closed(clients[0])
        assert not is_closed(clients[-1], within=0.1)


def test_bodies_that_arrive_fill_no_disk(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them together have a limit; the longest wait ends."""
    monkeypatch.setattr(serving, "MOST_BUFFERED", 500_000)
    half = b"POST / HTTP/1.1\r\nContent-Length: 900000\r\n\r\n" + b"x" * 200_000
    with running.connected(*[half] * 4):
        time.sleep(0.3)
        assert 0 < len(running.server.active_channels) < 3
        assert running.request().status == 200


@pytest.mark.parametrize("size", [LARGEST_BODY, LARGEST_BODY + 1, 400_000_000])
def test_a_large_body_is_refused_by_its_length(running: Running, size: int) -> None:
    """Before it was sent, by an application that sees none of it; the client reads why."""
    with running.connected(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size) as [client]:
        sent = 0
        if size == LARGEST_BODY:
            client.sendall(b"x" * size)
        else:
            while sent < 3_000_000:  # whoever sends without waiting reads the answer, too
                client.sendall(b"x" * 100_000)
                sent += 100_000
        assert reply(client) == ((200, b"1000000") if size == LARGEST_BODY else (413, b"0"))


def test_chunks_have_the_same_limit(running: Running) -> None:
    """Without a length in the head too."""
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with running.connected(head + chunk * 10 + b"0\r\n\r\n") as [client]:
        assert reply(client) == (200, b"655360")
    with running.connected(head + chunk * 40) as [client]:
        assert reply(client)[0] == 413


def test_a_line_between_chunks_has_a_limit(running: Running) -> None:
    """Looking for its end again and again would take long."""
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with running.connected(head + b"1;" + b"x" * 10_000) as [client]:
        assert reply(client)[0] == 400


@pytest.mark.parametrize("chunk", [b"1\r\nx\r\n", b"\r\n", b"1;a=b\r\nx\r\n"])
def test_chunks_of_nothing_are_refused(running: Running, chunk: bytes) -> None:
    """A million bytes of them would occupy the loop for a second."""
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with running.connected(head + chunk * (100_000 // len(chunk))) as [client]:
        assert reply(client)[0] == 400


def test_a_head_that_comes_byte_by_byte_is_read_in_step() -> None:
    """Its cost grows with its length, not with the square of it; what follows is not swallowed."""
    head = b"GET /x HTTP/1.1\r\nA: " + b"x" * 30_000 + b"\r\n\r\n"
    request = serving.Request(serving._ADJUSTMENTS[LARGEST_BODY])
    read = [bytes([octet]) for octet in head[:-1]]
    assert cpu.seconds_of(lambda: [request.received(octet) for octet in read]) < 0.5
    assert not request.completed
    assert request.received(head[-1:] + b"GET /y") == 1
    assert (request.completed, request.error, request.path) == (True, None, "/x")


def test_chunks_may_come_in_any_pieces(running: Running) -> None:
    """Split anywhere, and with a request behind."""
    body = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    with running.connected(b"") as [client]:
        for octet in body:
            client.sendall(bytes([octet]))
            time.sleep(0.001)
        assert reply(client) == (200, b"5")
        client.sendall(body + b"GET / HTTP/1.1\r\n\r\n")
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 2:
            received += client.recv(1000)
        assert b"Content-Length: 1\r\n" in received


def test_imports_may_be_larger(running: Running) -> None:
    """And nothing else may."""
    assert running.request(f"{IMPORT}/", "POST", b"x" * 2_000_000).status == 200
    with running.connected(
        b"POST %s/ HTTP/1.1\r\nContent-Length: 32000000\r\n\r\n" % IMPORT.encode()
    ) as [client]:
        assert reply(client)[0] == 413


def test_a_head_is_limited(running: Running) -> None:
    """More than any browser sends is refused."""
    with running.connected(HEAD + b"x" * 40_000) as [client]:
        assert reply(client)[0] == 431


def test_head_requests_get_no_body(running: Running) -> None:
    """The length of what GET gives, and the connection stays in step."""
    octets = b"HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    with running.connected(octets) as [client]:
        client.settimeout(1)
        received = b""
        while received.count(b"HTTP/1.1 200") < 2:
            received += client.recv(1000)
        assert received.count(b"Content-Length: 1\r\n") == 2
        assert received.split(b"\r\n\r\n")[1].startswith(b"HTTP/1.1 200")


def test_one_connection_serves_many_requests(running: Running) -> None:
    """Each starts the clock again, and a refusal does not spoil the next."""
    with running.connected(b"GET / HTTP/1.1\r\n\r\n") as [client]:
        for _ in range(3):
            assert reply(client) == (200, b"0")
            running.ahead += serving.HEAD_SECONDS - 5
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert reply(client) == (200, b"0")
