"""What one client may take up of the process that receives mail: connections, commands, time.

A stranger who holds connections, probes addresses or sends nothing is told so (421, RFC 5321 §3.8)
and hung up on; nobody else waits for that. Our own mail server, which speaks LMTP, may open as many
connections as there are.
"""

import asyncio
from collections import Counter
from typing import Any, ClassVar

import structlog
from aiosmtpd.smtp import syntax

from digest.bounces.reading.structure import LARGEST_MAIL
from digest.core import client_ip

log = structlog.get_logger(__name__)

LARGEST = LARGEST_MAIL  # octets; said after EHLO (RFC 1870), and held
MOST_CONNECTIONS = 100
MOST_BY_ADDRESS = 10  # connections; an IPv6 client is a /64
MOST_MAILS = 100  # over one connection
MOST_ERRORS = 20  # replies of 4xx and 5xx since the last mail
MOST_COMMANDS = 100  # replies since the last mail
PATIENCE = 120.0  # seconds without a command that is valid, and for all of a mail
SESSION_SECONDS = 900.0
FLUSH_SECONDS = 5.0  # for the last reply to be read, before we hang up


class Limited:
    """Mixed into aiosmtpd's protocols: holds the limits of one connection."""

    _talking: ClassVar[dict[Any, str]] = {}  # conversations, and whom with
    counts_addresses = True

    def __init__(self, *args: Any, **named: Any) -> None:
        self.errors = self.replies = self.mails = self.octets = 0
        self.last_code = ""
        self.link: Any = None  # the transport, also of a client that is turned away
        self.end_of_session: asyncio.TimerHandle | None = None
        super().__init__(*args, **named)

    def connection_made(self, transport: Any) -> None:
        """Begin, or turn away whoever is one too many."""
        self.link = transport
        client = client_of(transport.get_extra_info("peername"))
        if len(self._talking) >= MOST_CONNECTIONS:
            self.hang_up("421 4.7.0 Too many connections, try again soon")
            return
        connections = Counter(self._talking.values())[client]
        if client and self.counts_addresses and connections >= MOST_BY_ADDRESS:
            self.hang_up("421 4.7.0 Too many connections from your address")
            return
        self._talking[self] = client
        loop = asyncio.get_running_loop()
        self.end_of_session = loop.call_later(
            SESSION_SECONDS, self.hang_up, "421 4.4.2 This has taken too long, connect again"
        )
        super().connection_made(transport)  # type: ignore[misc]

    def connection_lost(self, error: Exception | None) -> None:
        """Make room for another."""
        if self.end_of_session:
            self.end_of_session.cancel()
        if self._talking.pop(self, None) is not None:
            super().connection_lost(error)  # type: ignore[misc]

    def eof_received(self) -> bool | None:
        """End; whoever was turned away has no conversation to end."""
        if self not in self._talking:
            return False
        ended: bool | None = super().eof_received()  # type: ignore[misc]
        return ended

    def data_received(self, data: bytes) -> None:
        """Take octets in; hang up on a mail that goes on far beyond the limit."""
        self.octets += len(data)
        if self.octets > 2 * LARGEST:
            self.hang_up("552 5.3.4 Too much mail data")
        elif self in self._talking:
            super().data_received(data)  # type: ignore[misc]

    async def push(self, status: Any) -> None:
        """Send a reply; hang up where there were too many since the last mail."""
        text = status if isinstance(status, str) else bytes(status).decode(errors="replace")
        self.octets, self.last_code = 0, text[:3]
        self.replies += 1
        self.errors += text[:1] in {"4", "5"}
        await super().push(status)  # type: ignore[misc]
        if self.errors > MOST_ERRORS:
            self.hang_up("421 4.7.0 Too many errors")
        elif self.replies > MOST_COMMANDS:
            self.hang_up("421 4.7.0 Too many commands without a mail")

    @syntax("MAIL FROM: <address>", extended=" [SP <mail-parameters>]")
    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802  aiosmtpd's name
        """Begin a mail, unless there have been enough."""
        if self.mails >= MOST_MAILS:
            self.hang_up("421 4.7.0 Enough mails over one connection, connect again")
            return
        await super().smtp_MAIL(arg)  # type: ignore[misc]

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802  aiosmtpd's name
        """Receive a mail; one that is accepted starts the counts again."""
        await super().smtp_DATA(arg)  # type: ignore[misc]
        if self.last_code == "250":
            self.mails += 1
            self.errors = self.replies = 0

    def hang_up(self, reply: str) -> None:
        """Say why and close, soon even where nobody reads that."""
        if self.link is None or self.link.is_closing():
            return
        log.info("hung up", client=self._talking.get(self, ""), reply=reply)
        self.link.write(reply.encode() + b"\r\n")
        self.link.close()
        asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.link.abort)

    def _timeout_cb(self) -> None:
        """Hang up after PATIENCE (aiosmtpd's hook would wait for the client to read)."""
        self.hang_up("421 4.4.2 Nothing heard for too long")


def client_of(peer: Any) -> str:
    """Return the key that a client's connections are counted by; "" for a unix socket."""
    if not isinstance(peer, tuple):
        return ""
    return client_ip.counted_as(str(peer[0]))
