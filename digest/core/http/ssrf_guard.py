"""Which addresses we connect to when a stranger names the host.

`GuardedTransport` is an httpx transport; `GuardedNetwork` below it resolves a name, refuses what is
not a public address, and connects to exactly the addresses it has checked, so an answer that
changes between the check and the connection (DNS rebinding) changes nothing. It also holds one
deadline for all that happens on its connections: name, connection, TLS, each read and write.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from queue import Empty, SimpleQueue
from typing import Any, cast
from urllib.parse import unquote

import httpcore
import httpx

from digest.core.errors import ConfigurationError

# IPv6 that only wraps IPv4: mapped, compatible, NAT64 (RFC 6052, RFC 8215), 6to4, Teredo.
WRAPPING_IPV4 = tuple(
    map(
        IPv6Network,
        ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"),
    )
)


class ForbiddenAddressError(Exception):
    """A host has no address that we may connect to."""


class DeadlineError(Exception):
    """The time that was given to all of a fetch is over."""


@dataclass(frozen=True, slots=True)
class AllowedTarget:
    """An operator's exception: a network, a port or 0 for any, and a path or "" for any."""

    network: IPv4Network | IPv6Network
    port: int
    path: str = ""  # as `/sample`, which covers what is below it

    def covers(self, address: str, port: int, path: str = "/") -> bool:
        """Say whether this exception names the address, port and path."""
        is_named = self.port in {0, port} and ip_address(address) in self.network
        return is_named and (not self.path or _is_below(path, self.path))


def allowed(entries: Iterable[str], setting: str) -> list[AllowedTarget]:
    """Read exceptions: `10.1.2.3`, `10.0.0.0/8`, `127.0.0.1:8000`, `::1`, `[fd00::/8]:8080`.

    After a port there may be a path, `127.0.0.1:8000/sample`: then nothing above it is allowed.
    Raises ConfigurationError naming the setting and the entry that cannot be read.
    """
    return [_allowed(entry, setting) for entry in entries]


def is_public(address: str) -> bool:
    """Say whether an address is one of the public internet, in its own right."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and (
        ip.is_site_local or any(ip in network for network in WRAPPING_IPV4)
    ):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class Deadline:
    """A moment on the monotonic clock by which everything must be done."""

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds

    def left(self, wish: float | None = None) -> float:
        """Return the seconds left, at most `wish`; raise DeadlineError when there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise DeadlineError
        return left if wish is None else min(left, wish)


class GuardedNetwork(httpcore.NetworkBackend):
    """Connects to public addresses and allowed exceptions, within the deadline."""

    path = "/"  # of the request that a connection is for

    def __init__(self, exceptions: list[AllowedTarget], deadline: Deadline) -> None:
        self.exceptions = exceptions
        self.deadline = deadline
        self.network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  the deadline is the tighter bound
        local_address: str | None = None,  # noqa: ARG002  the pool never gives one
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002  nor these
    ) -> httpcore.NetworkStream:
        """Connect to the first checked address that answers, none having more than its share.

        Raises ForbiddenAddressError, DeadlineError, or httpcore's errors.
        """
        waiting = self._permitted(host, port)
        while True:
            address = waiting.pop(0)
            share = self.deadline.left() / (len(waiting) + 1)
            try:
                stream = self.network.connect_tcp(address, port, share)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not waiting:
                    raise
            else:
                return TimedStream(stream, self.deadline)

    def _permitted(self, host: str, port: int) -> list[str]:
        addresses = resolve(host, port, self.deadline)
        permitted = [address for address in addresses if self._may(address, port)]
        if not permitted:
            examples = ", ".join(addresses[:3])
            host_text = examples if examples == host else f"{host} ({examples})"
            raise ForbiddenAddressError(f"{host_text} is not on the public internet")
        return permitted

    def _may(self, address: str, port: int) -> bool:
        return is_public(address) or any(
            exception.covers(address, port, self.path) for exception in self.exceptions
        )


class TimedStream(httpcore.NetworkStream):
    """A connection whose every step ends with the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self.stream = stream
        self.deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, self.deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, self.deadline.left(timeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self.stream.start_tls(ssl_context, server_hostname, self.deadline.left(timeout))
        return TimedStream(secured, self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


class GuardedTransport(httpx.BaseTransport):
    """httpx on a guarded network; TLS still checks the certificate against the host's name.

    Each request has its own connection: an exception may hold for one path and not for another.
    """

    def __init__(self, network: GuardedNetwork) -> None:
        self.network = network
        self.pool = httpcore.ConnectionPool(
            ssl_context=_tls(), network_backend=network, max_keepalive_connections=0
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; httpcore's errors come through as they are."""
        url = request.url
        self.network.path = url.raw_path.decode("ascii", "replace")
        answer = self.pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=cast("httpx.SyncByteStream", request.stream),
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Stream(answer))

    def close(self) -> None:
        self.pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self.answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self.answer.iter_stream()

    def close(self) -> None:
        self.answer.close()


@cache
def _tls() -> ssl.SSLContext:
    """Trust what certifi trusts, or SSL_CERT_FILE; loading it takes tens of milliseconds."""
    return httpx.create_ssl_context()


def resolve(host: str, port: int, deadline: Deadline) -> list[str]:
    """Return the addresses of a host, each once; raise httpcore.ConnectError if it has none.

    getaddrinfo knows no timeout, so it runs in a thread of its own, which is left behind when the
    deadline passes first.
    """
    answers: SimpleQueue[list[str] | OSError | UnicodeError] = SimpleQueue()
    threading.Thread(target=_look_up, args=(host, port, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except Empty as cause:
        raise DeadlineError from cause
    if isinstance(answer, Exception):
        raise httpcore.ConnectError(f"the name {host} cannot be resolved") from answer
    return answer


def _look_up(
    host: str, port: int, answers: "SimpleQueue[list[str] | OSError | UnicodeError]"
) -> None:
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        answers.put(problem)
        return
    answers.put(list(dict.fromkeys(str(address[0]) for *_, address in infos)))


def _is_below(target: str, path: str) -> bool:
    """Say whether the target of a request is `path` or below it, however its server reads it."""
    decoded = unquote(target.partition("?")[0])
    if "\\" in decoded or not {".", ".."}.isdisjoint(decoded.split("/")):
        return False
    return decoded == path or decoded.startswith(f"{path.rstrip('/')}/")


def _allowed(entry: str, setting: str) -> AllowedTarget:
    host, port, path = entry, "", ""
    if entry.startswith("["):
        host, _, port = entry[1:].partition("]")
        port = port.removeprefix(":")
    elif entry.count(":") == 1:
        host, _, port = entry.partition(":")
    port, slash, path = port.partition("/")
    try:
        entry_allowed = AllowedTarget(ip_network(host, strict=False), int(port or 0), slash + path)
        if not 0 <= entry_allowed.port <= 65535 or (slash and not port):
            raise ValueError(port)  # noqa: TRY301  the same typo, the same words
    except ValueError as cause:
        raise ConfigurationError(
            f"{setting}: {entry!r} is not an IP address or network with an optional :port."
        ) from cause
    return entry_allowed
