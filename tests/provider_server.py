"""A scripted HTTP server that plays a provider's API, over real sockets.

    with ProviderServer(lambda request: Answer(401, b"{}")) as server: ...

A script returns an Answer, CUT to close the connection without one, or HANG to be silent.
"""

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps, loads
from typing import Any, Self

CUT, HANG = "cut", "hang"


@dataclass(frozen=True)
class Request:
    """A call to the API."""

    path: str
    headers: Message
    body: bytes
    client: tuple[str, int]  # address and port: the connection

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return loads(self.body)

    @property
    def fields(self) -> dict[str, bytes]:
        """The body, read as a form with files: its parts by name, octet for octet."""
        kind = str(self.headers["Content-Type"])
        boundary = str(message_from_bytes(f"Content-Type: {kind}\n\n".encode()).get_boundary())
        fields = {}
        for part in self.body.split(f"--{boundary}".encode())[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            name = head.partition(b'name="')[2].partition(b'"')[0].decode()
            fields[name] = content.removesuffix(b"\r\n")
        return fields


@dataclass(frozen=True)
class Answer:
    """A response of the API."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Any, status: int = 200, **headers: str) -> Self:
        """Return an answer in JSON."""
        return cls(status, dumps(content).encode(), headers)


Script = Callable[[Request], Answer | str]


class ProviderServer:
    """Listens on a free port of the loopback until the `with` block ends."""

    def __init__(
        self,
        script: Script,
        *,
        tls: ssl.SSLContext | None = None,
        pages: Script | None = None,
        port: int = 0,
    ) -> None:
        """Answer POST by `script`, and GET by `pages`; `port` 0 is a free one."""
        self.requests: list[Request] = []
        self._stopped = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one segment

            def do_GET(self) -> None:
                request = Request(self.path, self.headers, b"", self.client_address)
                outer.requests.append(request)
                answer = pages(request) if pages else Answer(404)
                assert isinstance(answer, Answer)
                self._respond(answer)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = Request(self.path, self.headers, body, self.client_address)
                outer.requests.append(request)
                answer = script(request)
                if answer == HANG:
                    outer._stopped.wait(5)
                if isinstance(answer, str):
                    self.close_connection = True
                else:
                    self._respond(answer)

            def _respond(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.netloc = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http{'s' if tls else ''}://{self.netloc}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop listening."""
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
