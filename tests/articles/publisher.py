"""A publisher's web server on loopback, scripted page by page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

from pytest_django.fixtures import Settings

DATA = Path(__file__).parent / "data"
CASES = Path(__file__).parent / "cases"


@dataclass
class Answer:
    """What stands at a path; `etag` makes it answer 304 to whoever has it."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = ""


@dataclass
class SeenRequest:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]


Talk = Callable[[BaseHTTPRequestHandler], object]


class Publisher:
    """Answers from `pages`: an Answer, bytes, or a function that talks to the client itself."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer | bytes | Talk] = {}
        self.seen: list[SeenRequest] = []
        self.closing = Event()  # a page that hangs waits for this
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.server.block_on_close = False
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def redirect(self, path: str, to: str, status: int = 301) -> None:
        self.pages[path] = Answer(status=status, headers={"Location": to})

    def stop(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.seen.append(
                    SeenRequest(self.path, {k.lower(): v for k, v in self.headers.items()})
                )
                page = publisher.pages.get(self.path, Answer(status=404))
                with suppress(ConnectionError):
                    if isinstance(page, bytes):
                        page = Answer(page)
                    if isinstance(page, Answer):
                        self._give(page)
                    else:
                        page(self)

            do_POST = do_GET  # noqa: N815  its name there

            def _give(self, page: Answer) -> None:
                is_fresh = page.etag and self.headers.get("If-None-Match") == page.etag
                self.send_response(304 if is_fresh else page.status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                if page.etag:
                    self.send_header("ETag", page.etag)
                body = b"" if is_fresh else page.body
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
                pass

        return Handler


@contextmanager
def publishing(settings: Settings) -> Iterator[Publisher]:
    """Run a publisher that Digest may fetch from."""
    publisher = Publisher()
    settings.DIGEST_FETCH_ALLOW = [f"127.0.0.1:{publisher.port}"]
    try:
        yield publisher
    finally:
        publisher.stop()
