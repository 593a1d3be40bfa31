"""Fetching: what is refused, what is bounded, what comes back."""

import gzip
import socket
import subprocess
import time
import zlib
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from digest.core import http
from digest.core.errors import ConfigurationError
from digest.core.http import fields, ssrf_guard
from tests.articles.publisher import Answer, Publisher, publishing


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> float:
    """Shorten the ten seconds, so that slowness can be tested in less."""
    monkeypatch.setattr(http, "MAX_SECONDS", 0.6)
    return 0.6


class Names:
    """A resolver under an attacker's control: answers in turn, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.names: list[str] = []

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        if host[0].isdigit():  # connecting to an address looks at it once more
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        self.names.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the addresses that are connected to, and let none of them answer."""
    tried: list[str] = []

    def refuse(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        tried.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


def bomb(inflated: int) -> bytes:
    """Return that many zeros, gzipped."""
    return gzip.compress(b"\0" * inflated, 9)


def test_an_answer_comes_back_whole(publisher: Publisher) -> None:
    """Body, type, charset and validators are those of the answer, and we say who we are."""
    publisher.pages["/a"] = Answer(
        b"<p>hi",
        headers={"Content-Type": 'Text/HTML; charset="ISO-8859-1"', "Last-Modified": "then"},
        etag='"1"',
    )
    fetched = http.fetch(publisher.url("/a"), accept="text/html")
    assert (fetched.url, fetched.status, fetched.body) == (publisher.url("/a"), 200, b"<p>hi")
    assert (fetched.content_type, fetched.charset) == ("text/html", "iso-8859-1")
    assert (fetched.etag, fetched.last_modified, fetched.permanent_url) == ('"1"', "then", "")
    assert publisher.seen[0].headers["accept"] == "text/html"
    assert publisher.seen[0].headers["user-agent"].startswith("Digest/")
    assert "https://digest.example" in publisher.seen[0].headers["user-agent"]


def test_what_is_held_already_is_not_sent_again(publisher: Publisher) -> None:
    """An ETag that still holds gets a 304 with an empty body, not an error."""
    publisher.pages["/a"] = Answer(b"long", etag='"1"')
    fetched = http.fetch(publisher.url("/a"), etag='"1"')
    assert (fetched.status, fetched.body) == (304, b"")


@pytest.mark.parametrize("validator", ['"é"', '"a\tb"'])
def test_a_validator_that_cannot_be_sent_back_is_as_if_there_were_none(
    publisher: Publisher, validator: str
) -> None:
    """A server's odd ETag costs a 304, not every later fetch, even if it was stored before."""
    publisher.pages["/a"] = Answer(b"long", etag=validator, headers={"Last-Modified": validator})
    fetched = http.fetch(publisher.url("/a"), etag=validator, last_modified=validator)
    assert (fetched.status, fetched.body) == (200, b"long")
    assert (fetched.etag, fetched.last_modified) == ("", "")
    assert "if-none-match" not in publisher.seen[0].headers
    assert "if-modified-since" not in publisher.seen[0].headers


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "//example.com/feed",
        "example.com/feed",
        "http://",
        "http://[::1",
        "http://a b/",
        "https://example.com/" + "a" * 2000,
        "",
    ],
)
def test_only_web_addresses_are_fetched(url: str) -> None:
    """Everything but a whole http or https address of sane length is refused with no look-up."""
    with pytest.raises(http.RefusedError):
        http.fetch(url)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:8.8.8.8]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[fd00::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "localhost",
    ],
)
def test_addresses_off_the_public_internet_are_refused(host: str, connections: list[str]) -> None:
    """No spelling of a private address is ever connected to, and the message names the way out."""
    with pytest.raises(http.RefusedError, match="DIGEST_FETCH_ALLOW"):
        http.fetch(f"http://{host}:1/")
    assert connections == []


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111"])
def test_public_addresses_pass(address: str) -> None:
    """The guard lets the internet through."""
    assert ssrf_guard.is_public(address)


def test_a_redirect_to_a_private_address_is_refused(publisher: Publisher) -> None:
    """Each hop is checked, not the first alone."""
    publisher.redirect("/a", "http://127.0.0.2:1/secret", 302)
    with pytest.raises(http.RefusedError, match=r"127\.0\.0\.2"):
        http.fetch(publisher.url("/a"))


def test_a_redirect_to_another_scheme_is_refused(publisher: Publisher) -> None:
    """A redirect cannot turn the fetch into a file read."""
    publisher.redirect("/a", "file:///etc/passwd", 302)
    with pytest.raises(http.RefusedError):
        http.fetch(publisher.url("/a"))


def test_the_checked_address_is_the_connected_one(
    publisher: Publisher, connections: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that turns private after the check gains nothing: it is not asked a second time."""
    names = Names(["93.184.216.34"], ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    with pytest.raises(http.FetchError):
        http.fetch(f"http://rebind.example:{publisher.port}/")
    assert connections == ["93.184.216.34"]
    assert names.names == ["rebind.example"]


def test_each_candidate_address_is_checked(
    connections: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A private address hidden among public ones is left out."""
    monkeypatch.setattr(
        socket, "getaddrinfo", Names(["10.0.0.1", "93.184.216.34", "127.0.0.1", "8.8.8.8"])
    )
    with pytest.raises(http.FetchError, match="Connection refused"):
        http.fetch("http://mixed.example/")
    assert connections == ["93.184.216.34", "8.8.8.8"]


def test_an_exception_covers_what_it_names_and_no_more(settings: Settings) -> None:
    """An entry with a port opens that port alone; networks and IPv6 can be named too."""
    host, network, six = ssrf_guard.allowed(
        ["127.0.0.1:8000", "10.0.0.0/8", "[fd00::/8]:80"], "DIGEST_FETCH_ALLOW"
    )
    assert host.covers("127.0.0.1", 8000)
    assert not host.covers("127.0.0.1", 8001)
    assert not host.covers("127.0.0.2", 8000)
    assert network.covers("10.200.1.1", 9)
    assert not network.covers("11.0.0.1", 9)
    assert six.covers("fd12::1", 80)
    assert not six.covers("fd12::1", 443)


@pytest.mark.parametrize(
    "entry",
    ["localhost", "10.0.0.0/64", "1.2.3.4:http", "1.2.3.4:99999", "1.2.3.4:/x", "1.2.3.4/x"],
)
def test_an_unreadable_exception_is_named(entry: str, settings: Settings) -> None:
    """An operator's typo is an error that says where it is, not a hole or a riddle."""
    settings.DIGEST_FETCH_ALLOW = [entry]
    with pytest.raises(ConfigurationError, match="DIGEST_FETCH_ALLOW"):
        http.fetch("http://127.0.0.1/")


@pytest.mark.parametrize(
    ("path", "is_covered"),
    [
        ("/sample", True),
        ("/sample/", True),
        ("/sample/feed.xml?x=/../", True),
        ("/sample/a%20b", True),
        ("/", False),
        ("/admin/", False),
        ("/samples", False),
        ("//sample/", False),
        ("/sample/../admin/", False),
        ("/sample/%2e%2e/admin/", False),
        ("/sample/.%2E/admin/", False),
        ("/sample/%2e%2e%2fadmin/", False),
        ("/sample/..\\admin/", False),
        ("/sample/./", False),
    ],
)
def test_an_exception_may_be_for_a_path(path: str, *, is_covered: bool) -> None:
    """And for what is below it, however a server reads dots."""
    [exception] = ssrf_guard.allowed(["127.0.0.1:8000/sample"], "DIGEST_FETCH_ALLOW")
    assert exception.covers("127.0.0.1", 8000, path) is is_covered
    assert not exception.covers("127.0.0.1", 8001, "/sample")
    [six] = ssrf_guard.allowed(["[::1]:8000/sample"], "DIGEST_FETCH_ALLOW")
    assert six.covers("::1", 8000, path) is is_covered


def test_a_redirect_leads_out_of_no_path(publisher: Publisher, settings: Settings) -> None:
    """Each request is held against the exception, over whichever connection."""
    settings.DIGEST_FETCH_ALLOW = [f"127.0.0.1:{publisher.port}/sample"]
    publisher.pages["/sample/a"] = b"paper"
    publisher.pages["/admin"] = b"secret"
    publisher.redirect("/sample/b", "/sample/a")
    publisher.redirect("/sample/c", "/admin")
    assert http.fetch(publisher.url("/sample/b")).body == b"paper"
    for path in ("/admin", "/sample/c", "/sample/%2e%2e/admin"):
        with pytest.raises(http.RefusedError):
            http.fetch(publisher.url(path))
    assert "/admin" not in [request.path for request in publisher.seen]


def test_webhooks_have_exceptions_of_their_own(publisher: Publisher, settings: Settings) -> None:
    """A source on the own network opens nothing for them, nor they for sources."""
    publisher.pages["/a"] = b"x"
    with pytest.raises(http.RefusedError, match="DIGEST_WEBHOOK_ALLOW"):
        http.post(publisher.url("/a"), b"{}", {})
    settings.DIGEST_WEBHOOK_ALLOW, settings.DIGEST_FETCH_ALLOW = settings.DIGEST_FETCH_ALLOW, []
    with pytest.raises(http.RefusedError, match="DIGEST_FETCH_ALLOW"):
        http.fetch(publisher.url("/a"))


NO_ADDRESSES = [
    "mailto:editor@courier.example",
    "tel:123",
    "javascript:alert(1)",
    "data:text/html,x",
    "about:blank",
    "http:x",
    "http://xn--/",
    "http://xn--a/",
    "http://xn--a-ecp.ru/",
    "http://xn--zzzzzzz99999999/",
    "http://a..b/",
    "http://[::1",
    "http://a:99999/",
    "http://%00/",
    "http://ex\x7fample/",
]


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_a_redirect_to_no_web_address_is_an_error(publisher: Publisher, url: str) -> None:
    """Of ours, with a text for an editor: whatever a publisher writes there."""
    publisher.redirect("/a", url, 302)
    with pytest.raises(http.FetchError, match=r"web address|resolved|redirects|cannot be fetched"):
        http.fetch(publisher.url("/a"))
    with pytest.raises(http.FetchError):
        http.fetch(url)
    with pytest.raises(http.FetchError):
        http.post(url, b"{}", {})


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_a_webhook_that_redirects_has_failed(
    publisher: Publisher, settings: Settings, url: str
) -> None:
    """Wherever to: none is followed."""
    settings.DIGEST_WEBHOOK_ALLOW = settings.DIGEST_FETCH_ALLOW
    publisher.redirect("/a", url, 302)
    with pytest.raises(http.FetchError):
        http.post(publisher.url("/a"), b"{}", {})


def test_proxies_of_the_environment_are_not_used(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would connect where we may not."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    publisher.pages["/a"] = b"direct"
    assert http.fetch(publisher.url("/a")).body == b"direct"


@pytest.mark.parametrize(
    ("statuses", "permanent"),
    [([301], True), ([308, 301], True), ([302], False), ([301, 302, 301], False), ([307], False)],
)
def test_only_a_wholly_permanent_way_gives_a_new_address(
    publisher: Publisher,
    statuses: list[int],
    permanent: bool,  # noqa: FBT001  the expectation beside its case
) -> None:
    """One temporary hop, and the old address stays the right one."""
    for hop, status in enumerate(statuses):
        publisher.redirect(f"/{hop}", f"/{hop + 1}", status)
    end = f"/{len(statuses)}"
    publisher.pages[end] = b"here"
    fetched = http.fetch(publisher.url("/0"))
    assert (fetched.url, fetched.body) == (publisher.url(end), b"here")
    assert fetched.permanent_url == (publisher.url(end) if permanent else "")


@pytest.mark.parametrize(("hops", "arrives"), [(5, True), (6, False)])
def test_five_redirects_are_followed_and_no_sixth(
    publisher: Publisher,
    hops: int,
    arrives: bool,  # noqa: FBT001  the expectation beside its case
) -> None:
    """Loops end."""
    for hop in range(hops):
        publisher.redirect(f"/{hop}", f"/{hop + 1}")
    publisher.pages[f"/{hops}"] = b"here"
    if arrives:
        assert http.fetch(publisher.url("/0")).body == b"here"
    else:
        with pytest.raises(http.FetchError, match="more than 5"):
            http.fetch(publisher.url("/0"))


def test_a_small_bomb_does_not_inflate(publisher: Publisher) -> None:
    """48 KB of gzip that is 50 MB is stopped at the limit."""
    body = bomb(50_000_000)
    assert len(body) < 50_000
    publisher.pages["/a"] = Answer(body, headers={"Content-Encoding": "gzip"})
    with pytest.raises(http.TooLargeError, match="5 MB"):
        http.fetch(publisher.url("/a"))


def test_one_chunk_never_inflates_beyond_a_piece(publisher: Publisher) -> None:
    """The bound holds inside a chunk, where httpx's own decoders know none."""
    pieces = [len(p) for p in http._unzipped(iter([bomb(4_000_000)]), "gzip")]
    assert sum(pieces) == 4_000_000
    assert max(pieces) <= 64 * 1024


def test_bombs_in_a_row_are_counted_together(publisher: Publisher) -> None:
    """Gzip members one after another are one body."""
    publisher.pages["/a"] = Answer(bomb(2_000_000) * 3, headers={"Content-Encoding": "gzip"})
    with pytest.raises(http.TooLargeError):
        http.fetch(publisher.url("/a"))


def test_a_large_plain_body_is_stopped(publisher: Publisher) -> None:
    """The limit needs no compression and no Content-Length to hold."""

    def pour(client: BaseHTTPRequestHandler) -> None:
        client.send_response(200)
        client.end_headers()
        for _ in range(600):
            client.wfile.write(b"x" * 10_000)

    publisher.pages["/a"] = pour
    with pytest.raises(http.TooLargeError):
        http.fetch(publisher.url("/a"))


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b"news " * 9, mtime=0)),
        ("x-gzip", gzip.compress(b"news " * 4, mtime=0) + gzip.compress(b"news " * 5, mtime=0)),
        ("gzip", gzip.compress(b"news " * 9, mtime=0) + b"\0\0 trailing rubbish"),
        ("deflate", zlib.compress(b"news " * 9)),
        ("deflate", zlib.compress(b"news " * 9)[2:-4]),
        ("identity", b"news " * 9),
    ],
)
def test_compressed_answers_are_read(publisher: Publisher, coding: str, body: bytes) -> None:
    """Gzip and both kinds of deflate give the text."""
    publisher.pages["/a"] = Answer(body, headers={"Content-Encoding": coding})
    assert http.fetch(publisher.url("/a")).body == b"news " * 9


@pytest.mark.parametrize(
    ("coding", "body"), [("br", b"x"), ("gzip", b"no gzip"), ("gzip, gzip", b"x")]
)
def test_an_unreadable_encoding_is_an_error(publisher: Publisher, coding: str, body: bytes) -> None:
    """What cannot be inflated is told, not passed on."""
    publisher.pages["/a"] = Answer(body, headers={"Content-Encoding": coding})
    with pytest.raises(http.FetchError):
        http.fetch(publisher.url("/a"))


def test_a_server_that_hangs_is_left(publisher: Publisher, brief: float) -> None:
    """No answer at all ends with the deadline."""
    publisher.pages["/a"] = lambda _: publisher.closing.wait()
    start = time.monotonic()
    with pytest.raises(http.TooSlowError):
        http.fetch(publisher.url("/a"))
    assert time.monotonic() - start < brief + 1


@pytest.mark.parametrize("part", ["body", "headers"])
def test_a_server_that_drips_is_left(publisher: Publisher, brief: float, part: str) -> None:
    """The time counts in all, so a byte now and then gains nothing."""

    def drip(client: BaseHTTPRequestHandler) -> None:
        client.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        if part == "body":
            client.wfile.write(b"x\r\n\r\n")
        while not publisher.closing.wait(0.05):
            client.wfile.write(b"x")

    publisher.pages["/a"] = drip
    start = time.monotonic()
    with pytest.raises(http.TooSlowError):
        http.fetch(publisher.url("/a"))
    assert time.monotonic() - start < brief + 1


def test_a_resolver_that_hangs_is_left(
    publisher: Publisher, brief: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver knows no timeout; the deadline holds all the same."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: publisher.closing.wait() and [])
    start = time.monotonic()
    with pytest.raises(http.TooSlowError):
        http.fetch("http://slow.example/")
    assert time.monotonic() - start < brief + 1


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503, 599])
def test_a_refusal_carries_its_status(publisher: Publisher, status: int) -> None:
    """410 is its own kind of error, every other one names its code."""
    publisher.pages["/a"] = Answer(status=status, headers={"Retry-After": "120"})
    with pytest.raises(http.FetchError, match=str(status)) as problem:
        http.fetch(publisher.url("/a"))
    assert problem.value.status == status
    assert problem.value.retry_after == 120
    assert isinstance(problem.value, http.GoneError) is (status == 410)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("3600", 3600),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, seconds: float | None) -> None:
    """RFC 9110 §10.2.3 allows seconds and a date; a date in the past means now."""
    assert fields.retry_after(value) == seconds


def test_retry_after_as_a_future_date() -> None:
    """A date is turned into seconds from now."""
    assert (fields.retry_after("Fri, 06 Nov 2093 08:49:37 GMT") or 0) > 1e9


def test_a_connection_cut_off_is_told(publisher: Publisher) -> None:
    """Half a body is an error, never half an answer."""

    def cut(client: BaseHTTPRequestHandler) -> None:
        client.send_response(200)
        client.send_header("Content-Length", "100")
        client.end_headers()
        client.wfile.write(b"half")

    publisher.pages["/a"] = cut
    with pytest.raises(http.FetchError, match="cannot be fetched"):
        http.fetch(publisher.url("/a"))


def test_passwords_stay_out_of_messages(publisher: Publisher) -> None:
    """Errors are shown to editors and logged."""
    with pytest.raises(http.FetchError) as problem:
        http.fetch(publisher.url("/a").replace("//", "//ada:secret@"))
    assert "secret" not in str(problem.value)


def test_certificates_are_checked_against_the_name(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connecting to a checked address doesn't weaken TLS: SNI and certificate go by the name."""
    import ssl

    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=courier.example", "-addext", "subjectAltName=DNS:courier.example",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server_names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: server_names.append(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    monkeypatch.setattr(socket, "getaddrinfo", Names(["127.0.0.1"]))
    ssrf_guard._tls.cache_clear()
    with publishing(settings) as publisher:
        publisher.server.socket = context.wrap_socket(publisher.server.socket, server_side=True)
        publisher.pages["/a"] = b"sealed"
        assert http.fetch(f"https://courier.example:{publisher.port}/a").body == b"sealed"
        with pytest.raises(http.FetchError, match="certificate"):
            http.fetch(f"https://other.example:{publisher.port}/a")
    ssrf_guard._tls.cache_clear()
    assert server_names == ["courier.example", "other.example"]
