"""The web server: gunicorn's processes, each of which reads and writes with waitress.

One loop receives requests whole and sends responses; threads only see requests that are complete,
and hand their responses back. So a client that dribbles its head, its body, or reads slowly costs a
socket and some memory, never a thread. Each step has a deadline, and when there are too many
connections those that have kept us waiting longest are closed, not new ones turned away.

`digest web` names `Worker` on gunicorn's command line (digest.cli.processes).
"""

import os
import resource
import time
from collections.abc import Callable, Iterable
from socket import SHUT_WR
from socket import socket as Socket  # noqa: N812  waitress calls every connection one
from typing import Any

from gunicorn.workers.base import Worker as GunicornWorker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import BadRequest, RequestEntityTooLarge

from digest.web.body_limits import LARGEST_BODY, UPLOADS, largest_body

HEAD_SECONDS = 20  # from the connection, or the response before, to the end of a request's head
PATIENCE = 20  # seconds for a body or a response, and more for large ones:
SLOWEST = 16_000  # bytes a second
STOP_SECONDS = 5  # for requests that have begun to arrive, when we are to stop
LINGER_SECONDS = 5  # for the rest of what we refused, so that the client reads why
LARGEST_HEAD = 32_768  # bytes
LONGEST_CHUNK_LINE = 8_192  # bytes
LEAST_CONTENT = 0.9  # of what a body in chunks sends; the rest is what stands between chunks
STEP = 4_096  # bytes of a body in chunks that are looked at together
IN_MEMORY = 65_536  # bytes of one body; the rest goes to a temporary file
MOST_BUFFERED = 128_000_000  # bytes of all bodies that are arriving, for one process
MOST_CONNECTIONS = 1_000  # for one process
MOST_ACCEPTS = 100  # in one round of the loop
TIDY_EVERY = 0.25  # seconds

Application = Callable[..., Iterable[bytes]]


class Request(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """A request that arrives; what is too large reaches the application without its body."""

    error: Any = None
    completed: bool = False
    body_rcv: Any = None
    too_large = False

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self.head = bytearray()  # as far as it has come

    def received(self, data: bytes) -> int:
        """Take bytes in; return how many of them belong to this request."""
        if self.body_rcv is None and not self.completed:
            consumed = self._received_head(data)
        else:
            consumed = super().received(data[:STEP] if self.chunked else data)
        if isinstance(self.error, RequestEntityTooLarge):
            self._pass_on_without_body()
        elif self.chunked and not self.completed and (problem := self._waste()):
            self.error, self.completed = BadRequest(problem), True
        return consumed

    def _received_head(self, data: bytes) -> int:
        """Collect a head, and look at each byte once: waitress would look again at all of them."""
        begin = max(0, len(self.head) - 3)
        self.head += data
        if self.head.find(b"\r\n\r\n", begin) < 0 and len(self.head) < LARGEST_HEAD:
            return len(data)
        head, self.head = bytes(self.head), bytearray()
        consumed: int = super().received(head)
        return consumed - (len(head) - len(data))

    def _waste(self) -> str:
        """Return what is wrong with chunks that cost more than they bring, or nothing."""
        if max(len(self.body_rcv.control_line), len(self.body_rcv.trailer)) > LONGEST_CHUNK_LINE:
            return "A line between chunks is too long"
        is_late = self.body_bytes_received > IN_MEMORY
        is_waste = len(self.body_rcv) < LEAST_CONTENT * self.body_bytes_received
        return "Chunks are too small" if is_late and is_waste else ""

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head, then see how much of a body its path allows."""
        super().parse_header(header_plus)
        self.adj = _ADJUSTMENTS[largest_body(self.path)]

    def _pass_on_without_body(self) -> None:
        """Let the application refuse it in its own words: it sees the length, and no body."""
        length = max(self.content_length, self.body_bytes_received)
        self.close()
        self.error, self.body_rcv, self.too_large = None, None, True
        self.headers["CONTENT_LENGTH"] = str(length)
        self.headers["CONNECTION"] = "close"
        self.expect_continue = False


class Channel(HTTPChannel):  # type: ignore[misc]
    """One connection, and since when it has kept us waiting."""

    parser_class = Request
    allowance = 0.0  # seconds for the response that is being sent
    close_when_flushed: bool = False
    is_refused = False
    lingers_until = 0.0  # monotonic; not 0: everything is sent, and we discard what still comes

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.since = time.monotonic()

    @property
    def is_waiting(self) -> bool:
        """Whether we wait for the client, to send or to read, and no thread works for it."""
        return bool(self.connected and not self.requests)

    @property
    def buffered(self) -> int:
        """Bytes of a body that is still arriving."""
        return self.request.body_bytes_received if self.request else 0

    def received(self, data: bytes) -> bool:
        """Take bytes in; each request that is complete starts the clock again."""
        complete = len(self.requests)
        was_in_head = self.request is None or not self.request.headers_finished
        accepted = bool(super().received(data))
        if len(self.requests) > complete:
            self.since = time.monotonic()
            self.is_refused = any(row.error or row.too_large for row in self.requests)
        elif was_in_head and self.request is not None and self.request.headers_finished:
            self.since = time.monotonic()
        return accepted

    def is_overdue(self, now: float) -> bool:
        """Whether the client has taken too long, at `now` (monotonic)."""
        if self.lingers_until:
            return now > self.lingers_until
        if self.requests and not self.total_outbufs_len:
            self.since, self.allowance = now, 0.0  # a thread works on it
            return False
        waited = now - self.since
        if self.total_outbufs_len:
            self.allowance = max(self.allowance, PATIENCE + self.total_outbufs_len / SLOWEST)
            return bool(waited > self.allowance)
        if self.request is None or not self.request.headers_finished:
            return bool(waited > HEAD_SECONDS)
        return bool(waited > PATIENCE + self.request.body_bytes_received / SLOWEST)

    def readable(self) -> bool:
        """Whether to read: requests, or the rest of a refused one."""
        return bool(self.lingers_until or super().readable())

    def handle_read(self) -> None:
        """Read; what comes after a refusal is discarded."""
        if not self.lingers_until:
            super().handle_read()
            return
        try:
            is_over = not self.recv(65_536)
        except OSError:
            is_over = True
        if is_over:
            self.handle_close()

    def handle_write(self) -> None:
        """Send; after a refusal end our half only, or its sender might never read it."""
        if self.is_refused and self.close_when_flushed:
            self._flush_exception(self._flush_some)
            if self.total_outbufs_len or self.will_close:
                return
            self.close_when_flushed, self.is_refused = False, False
            self.lingers_until = time.monotonic() + LINGER_SECONDS
            try:
                self.socket.shutdown(SHUT_WR)
            except OSError:
                self.handle_close()
            return
        super().handle_write()


class Server(TcpWSGIServer):  # type: ignore[misc]
    """The connections of one listening socket."""

    channel_class = Channel

    def handle_accept(self) -> None:
        """Accept whoever waits, not one for each round of the loop: rounds are long in a crowd."""
        for _ in range(MOST_ACCEPTS):
            connections = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) == connections:
                break

    def maintenance(self, now: float) -> None:
        """Do nothing: `tidy` does it."""

    def tidy(self, now: float) -> None:
        """Close what is overdue at `now` (monotonic), and the longest waits when it gets crowded.

        To be called between two rounds of the loop: the numbers of closed sockets are used again.
        """
        for channel in self._channels():
            if channel.is_overdue(now):
                channel.handle_close()
        waiting = sorted(
            (channel for channel in self._channels() if channel.is_waiting),
            key=lambda channel: channel.since,
        )
        too_many = len(self.active_channels) - MOST_CONNECTIONS
        buffered = sum(channel.buffered for channel in waiting)
        for channel in waiting:
            if too_many > 0 or (buffered > MOST_BUFFERED and channel.buffered):
                too_many -= 1
                buffered -= channel.buffered
                channel.handle_close()

    def close_idle(self, *, unfinished: bool) -> bool:
        """Close the connections on which nothing happens; say whether any are left.

        With `unfinished` those as well on which a request has begun to arrive.
        """
        for channel in self._channels():
            is_idle = channel.request is None or unfinished
            if channel.is_waiting and is_idle and not channel.total_outbufs_len:
                channel.handle_close()
        return bool(self.active_channels)

    def _channels(self) -> list[Channel]:
        return list(self.active_channels.values())


class Worker(GunicornWorker):  # type: ignore[misc]
    """A process of gunicorn that serves with waitress."""

    servers: tuple[Server, ...] = ()
    tidied_at = 0.0

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop soon, after what has begun."""
        super().handle_exit(sig, frame)
        for server in self.servers:
            server.pull_trigger()

    def run(self) -> None:
        """Serve until told to stop, then finish what has begun."""
        from digest.web.background import Background  # gunicorn names us before Django is ready

        _allow_many_files()
        background = Background()
        background.start()
        sockets: dict[int, Any] = {}
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(self.cfg.threads)
        self.servers = tuple(
            server_on(listener.sock, sockets, dispatcher, self.wsgi) for listener in self.sockets
        )
        while self.alive and self.ppid == os.getppid():
            self._turn(sockets)
        for server in self.servers:
            server.accepting = False
        start = time.monotonic()
        while self._has_work(time.monotonic() - start):
            self._turn(sockets)
        dispatcher.shutdown(timeout=1)
        background.stop()

    def _has_work(self, seconds: float) -> bool:
        """Close what is idle `seconds` after we were to stop; say whether to wait for the rest."""
        unfinished = seconds > STOP_SECONDS
        is_busy = [server.close_idle(unfinished=unfinished) for server in self.servers]
        return any(is_busy) and seconds < self.cfg.graceful_timeout

    def _turn(self, sockets: dict[int, Any]) -> None:
        """Read and write once wherever that is possible; tell gunicorn that we live."""
        wasyncore.poll2(TIDY_EVERY, sockets)
        now = time.monotonic()
        is_crowded = any(len(row.active_channels) > MOST_CONNECTIONS for row in self.servers)
        if is_crowded or now > self.tidied_at + TIDY_EVERY:
            self.tidied_at = now
            self.notify()
            for server in self.servers:
                server.tidy(now)


def server_on(
    listener: Socket, sockets: dict[int, Any], dispatcher: ThreadedTaskDispatcher, app: Application
) -> Server:
    """Return a server on a listening socket; `sockets` holds its connections, for the loop."""
    return Server(
        without_body_for_head(app),
        sockets,
        True,  # noqa: FBT003  waitress's: start at once
        listener,
        dispatcher=dispatcher,
        adj=_ADJUSTMENTS[LARGEST_BODY],
        sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
        bind_socket=False,
    )


def without_body_for_head(app: Application) -> Application:
    """Return `app` such that a HEAD request gets its head alone (RFC 9110 §9.3.2)."""

    def respond(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        response = app(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return response
        if hasattr(response, "close"):
            response.close()
        return []

    return respond


def _allow_many_files() -> None:
    """Raise the limit of open files as far as the system lets us: each connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _adjustments(largest: int) -> Adjustments:
    """Return waitress's settings for requests whose body may have `largest` bytes."""
    return Adjustments(
        backlog=2048,
        clear_untrusted_proxy_headers=False,  # digest.core.client_ip reads them, from trusted ones
        connection_limit=1_000_000,  # `tidy` limits them
        ident=None,
        inbuf_overflow=IN_MEMORY,
        log_socket_errors=False,
        max_request_body_size=largest + 1,
        max_request_header_size=LARGEST_HEAD,
        outbuf_overflow=4 * IN_MEMORY,
        recv_bytes=IN_MEMORY,
    )


_ADJUSTMENTS = {largest: _adjustments(largest) for largest in (LARGEST_BODY, *UPLOADS.values())}
