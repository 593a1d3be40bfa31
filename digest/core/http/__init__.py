"""Fetching from addresses that strangers name, and posting to them.

`fetch` follows redirects itself and checks each hop: only http and https, only public addresses
(see digest.core.http.ssrf_guard), at most 5 MB once inflated (or what the caller says), 10 seconds
in all, 5 redirects.
Proxies from the environment are not used: they would connect where we may not.
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

import httpcore
import httpx
from django.conf import settings

from digest import __version__
from digest.core.http.errors import (
    FetchError,
    GoneError,
    RefusedError,
    TooLargeError,
    TooSlowError,
)
from digest.core.http.fields import retry_after, sendable
from digest.core.http.ssrf_guard import (
    Deadline,
    DeadlineError,
    ForbiddenAddressError,
    GuardedNetwork,
    GuardedTransport,
    allowed,
)

__all__ = ["FetchError", "GoneError", "RefusedError", "TooLargeError", "TooSlowError"]

MAX_BYTES = 5_000_000
MAX_SECONDS = 10.0
MAX_REDIRECTS = 5
MAX_URL = 2000

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT = frozenset({301, 308})
ANYTHING = "*/*"
# The settings that name private addresses: for what is fetched, and for webhooks.
FETCH_ALLOW = "DIGEST_FETCH_ALLOW"
WEBHOOK_ALLOW = "DIGEST_WEBHOOK_ALLOW"

_CHUNK = 64 * 1024
_NETWORK = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol)
_HOST = re.compile(r"[^\s%/\\@<>\"]+\Z")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:+-]+)""", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class FetchResult:
    """An answer. With `status` 304 the body is empty: what the caller holds is still right."""

    url: str  # after all redirects
    status: int
    headers: httpx.Headers
    body: bytes
    permanent_url: str = ""  # the new address, when every redirect on the way was permanent
    content_type: str = ""  # lower case, without parameters
    charset: str | None = None

    @property
    def etag(self) -> str:
        return sendable(self.headers.get("etag", ""))

    @property
    def last_modified(self) -> str:
        return sendable(self.headers.get("last-modified", ""))


@dataclass(slots=True)
class _Way:
    """The hops of one fetch so far, and the setting that names its exceptions."""

    url: httpx.URL
    setting: str
    largest: int = MAX_BYTES  # bytes of the answer
    statuses: list[int] = field(default_factory=list)

    @property
    def permanent_url(self) -> str:
        moved = self.statuses and PERMANENT.issuperset(self.statuses)
        return str(self.url) if moved else ""


def fetch(
    url: str,
    *,
    etag: str = "",
    last_modified: str = "",
    accept: str = ANYTHING,
    largest: int = MAX_BYTES,
) -> FetchResult:
    """Get `url`, conditionally if `etag` or `last_modified` of an earlier answer is given.

    `largest` is how many bytes the answer may have.

    Raises RefusedError, TooLargeError, TooSlowError, GoneError, or FetchError for every other
    answer than 2xx and 304, and for none.
    """
    deadline = Deadline(MAX_SECONDS)
    etag, last_modified = sendable(etag), sendable(last_modified)
    way = _Way(checked_url(url), FETCH_ALLOW, largest)
    with _explained(way), _client(deadline, way.setting) as client:
        while True:
            request = client.build_request(
                "GET", way.url, headers=_headers(accept, etag, last_modified)
            )
            response = client.send(request, stream=True)
            try:
                if response.status_code not in REDIRECTS:
                    return _answer(response, way, deadline, conditional=bool(etag or last_modified))
                _follow(response, way)
            finally:
                response.close()


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post JSON to `url` under the same guard, following no redirect; return the 2xx status.

    Private addresses are those of DIGEST_WEBHOOK_ALLOW.

    Raises as `fetch` does, FetchError for every other answer too; what the answer says is not read.
    """
    deadline = Deadline(MAX_SECONDS)
    way = _Way(checked_url(url), WEBHOOK_ALLOW)
    own = {"Content-Type": "application/json", "User-Agent": _agent()}
    with _explained(way), _client(deadline, way.setting) as client:
        request = client.build_request("POST", way.url, content=body, headers=own | dict(headers))
        response = client.send(request, stream=True)
        response.close()
    if not 200 <= response.status_code < 300:
        raise _refusal(response, str(way.url))
    return response.status_code


def checked_url(url: str) -> httpx.URL:
    """Return the URL if its form is that of a web address, or raise RefusedError."""
    try:
        parsed = httpx.URL(url.strip())
        host = parsed.host
    except (httpx.InvalidURL, UnicodeError, ValueError) as cause:
        raise RefusedError(f"{url[:200]!r} is not a web address: {cause}", url=url) from cause
    if parsed.scheme not in {"http", "https"} or not host or not _HOST.match(host):
        raise RefusedError(
            f"{url[:200]!r} is not a web address: it has to begin with http(s)://.",
            url=url,
        )
    if len(str(parsed)) > MAX_URL:
        raise RefusedError(f"{url[:80]}… is longer than {MAX_URL} characters.", url=url)
    return parsed


def _headers(accept: str, etag: str, last_modified: str) -> dict[str, str]:
    headers = {
        "Accept": accept,
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": _agent(),
    }
    if etag:
        headers["If-None-Match"] = etag
    if last_modified:
        headers["If-Modified-Since"] = last_modified
    return headers


def _agent() -> str:
    return f"Digest/{__version__} (+{settings.DIGEST_BASE_URL})"


def _follow(response: httpx.Response, way: _Way) -> None:
    """Take the next hop, or raise FetchError if there is none to take."""
    location = response.headers.get("location", "")
    url = _without_credentials(way.url)
    if not location:
        raise FetchError(
            f"{url} redirects (HTTP {response.status_code}) without saying where to.",
            url=str(way.url),
            status=response.status_code,
        )
    way.statuses.append(response.status_code)
    if len(way.statuses) > MAX_REDIRECTS:
        raise FetchError(
            f"{url} redirects more than {MAX_REDIRECTS} times.",
            url=str(way.url),
            status=response.status_code,
        )
    try:
        target = way.url.join(location)
    except (httpx.InvalidURL, UnicodeError, ValueError) as cause:
        raise RefusedError(
            f"{url} redirects to {location[:200]!r}, which is not a web address.", url=str(way.url)
        ) from cause
    way.url = checked_url(str(target))


def _answer(
    response: httpx.Response, way: _Way, deadline: Deadline, *, conditional: bool
) -> FetchResult:
    """Read the answer at the end of the way, or raise what its status means."""
    status = response.status_code
    if not (200 <= status < 300 or (status == 304 and conditional)):
        raise _refusal(response, str(way.url))
    header = response.headers.get("content-type", "")
    charset = _CHARSET.search(header)
    return FetchResult(
        url=str(way.url),
        status=status,
        headers=response.headers,
        body=b"" if status == 304 else _body(response, deadline, way.largest),
        permanent_url=way.permanent_url,
        content_type=header.partition(";")[0].strip().lower(),
        charset=charset[1].lower() if charset else None,
    )


def _refusal(response: httpx.Response, url: str) -> FetchError:
    status = response.status_code
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "an unknown status"
    error = GoneError if status == 410 else FetchError
    return error(
        f"{_without_credentials(httpx.URL(url))} answered {status} {phrase}.",
        url=url,
        status=status,
        retry_after=retry_after(response.headers.get("retry-after", "")),
    )


def _body(response: httpx.Response, deadline: Deadline, largest: int) -> bytes:
    """Return the body inflated; no more than `largest` bytes of it are ever in memory."""
    body = bytearray()
    for piece in _inflated(response):
        deadline.left()
        body += piece
        if len(body) > largest:
            raise TooLargeError(
                f"{_without_credentials(response.url)} is larger than {largest // 1_000_000} MB.",
                url=str(response.url),
                status=response.status_code,
            )
    return bytes(body)


def _inflated(response: httpx.Response) -> Iterator[bytes]:
    """Yield the body in pieces of bounded size, whatever a chunk inflates to.

    httpx's own decoders inflate each chunk whole, a thousandfold at worst; zlib's `max_length`
    is what keeps a bomb small.
    """
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding in {"", "identity"}:
        yield from response.iter_raw(_CHUNK)
    elif coding in {"gzip", "x-gzip", "deflate"}:
        yield from _unzipped(response.iter_raw(_CHUNK), coding)
    else:
        raise FetchError(
            f"{_without_credentials(response.url)} answered in the encoding {coding[:40]!r}, "
            "which we did not ask for.",
            url=str(response.url),
            status=response.status_code,
        )


def _unzipped(chunks: Iterator[bytes], coding: str) -> Iterator[bytes]:
    """Inflate gzip (several members too) and deflate, which some servers send without zlib's head.

    A stream that is cut off gives what is whole; the parser says what that is worth.
    """
    inflate = None
    for chunk in chunks:
        data = chunk
        while data:
            if inflate is None:
                inflate = zlib.decompressobj(_window(coding, data))
            yield inflate.decompress(data, _CHUNK)
            data = inflate.unconsumed_tail
            if inflate.eof:
                data, inflate = inflate.unused_data, None
                data = data if data.startswith(b"\x1f\x8b") else b""
    if inflate is not None:
        yield inflate.flush()


def _window(coding: str, data: bytes) -> int:
    if coding != "deflate":
        return 16 + zlib.MAX_WBITS
    return zlib.MAX_WBITS if data[0] & 0x0F == 8 else -zlib.MAX_WBITS


@contextmanager
def _explained(way: _Way) -> Iterator[None]:
    """Turn what the network raises into this module's errors, which name the address."""
    try:
        yield
    except ForbiddenAddressError as cause:
        raise RefusedError(
            f"{_without_credentials(way.url)} is refused: {cause}. If it is yours, name it in "
            f"{way.setting}.",
            url=str(way.url),
        ) from cause
    except (DeadlineError, httpcore.TimeoutException, TimeoutError) as cause:
        raise TooSlowError(
            f"{_without_credentials(way.url)} did not answer within {MAX_SECONDS:.0f} seconds.",
            url=str(way.url),
        ) from cause
    except (httpx.InvalidURL, UnicodeError) as cause:
        # httpx reads the target of a redirect before we do.
        raise RefusedError(
            f"{_without_credentials(way.url)} redirects to what is not a web address: {cause}.",
            url=str(way.url),
        ) from cause
    except (*_NETWORK, httpx.HTTPError, zlib.error, OSError) as cause:
        raise FetchError(
            f"{_without_credentials(way.url)} cannot be fetched: {cause or type(cause).__name__}.",
            url=str(way.url),
        ) from cause


def _client(deadline: Deadline, setting: str) -> httpx.Client:
    """Return a client for one fetch; it keeps cookies between the hops, some sites ask for that."""
    network = GuardedNetwork(allowed(getattr(settings, setting), setting), deadline)
    return httpx.Client(transport=GuardedTransport(network), trust_env=False, timeout=MAX_SECONDS)


def _without_credentials(url: httpx.URL) -> str:
    """Return a URL as it may stand in a log or on a page: without its password."""
    return str(url.copy_with(userinfo=b"") if url.userinfo else url)
