"""Receives mail by SMTP or LMTP (RFC 2033), strictly, and answers once the wish is committed.

RCPT  is this an address of ours? unknown ones are refused here, before anything is sent
DATA  are the bytes sound? then obey each recipient, in a thread: the database may take a while
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from socket import socket as Socket  # noqa: N812  beside the path of one
from typing import Any

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope

from digest.core.processors import Pacer
from digest.inbound import commands, reading
from digest.inbound.commands import Reply
from digest.inbound.limits import LARGEST, PATIENCE, Limited
from digest.inbound.reading import Mail
from digest.inbound.recipients import is_return

log = structlog.get_logger(__name__)

MOST_RECIPIENTS = 20


class Receiver:
    """The answers to a conversation (aiosmtpd's handler)."""

    def __init__(self, reports: Pacer, *, lmtp: bool) -> None:
        """`reports`: where they wait while a send needs the processors."""
        self.reports = reports
        self.lmtp = lmtp

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse what is none of ours."""
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        reply = await asyncio.to_thread(commands.accepts, address)
        if reply.code == 250:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return str(reply)

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        """Obey each recipient; in LMTP answer for each (RFC 2033 §4.2), in SMTP once for all."""
        if all(map(is_return, envelope.rcpt_tos)):
            await self.reports.wait()
        replies = await asyncio.to_thread(_obey_all, envelope)
        return self._answer(replies)

    async def handle_exception(self, problem: Exception) -> str:
        """Say that the fault is ours; the sender tries again."""
        log.error("mail not taken", exc_info=problem)
        return "451 4.3.0 Something went wrong on our side"

    def _answer(self, replies: list[Reply]) -> str:
        if self.lmtp:
            return "\r\n".join(map(str, replies))
        # What was done is done again without harm, so one that has to wait makes all wait.
        return str(max(replies, key=_weight))


def _obey_all(envelope: Envelope) -> list[Reply]:
    """Obey each recipient of a mail; a report is read whoever sent it, and however written."""
    content = envelope.original_content or b""
    # The last server writes down who sent a mail (RFC 5321 §4.4): nobody sends a report.
    is_sent = bool((envelope.mail_from or "").strip("<>"))
    returned = content if is_sent else b"Return-Path: <>\r\n" + content
    if all(map(is_return, envelope.rcpt_tos)):
        return [commands.obey(address, Mail(None), returned) for address in envelope.rcpt_tos]
    problem = reading.broken(content)
    mail = reading.read(content, envelope.mail_from or "")
    return [
        Reply(550, problem)
        if problem and not is_return(address)
        else commands.obey(address, mail, returned)
        for address in envelope.rcpt_tos
    ]


def _weight(reply: Reply) -> int:
    return {4: 2, 2: 1, 5: 0}.get(reply.code // 100, 0)


class SmtpConversation(Limited, SMTP):
    """One SMTP conversation."""


class LmtpConversation(Limited, LMTP):
    """One LMTP conversation, with our own mail server."""

    counts_addresses = False


def conversation(reports: Pacer, *, lmtp: bool) -> SMTP:
    """Return the protocol of a new connection."""
    kind = LmtpConversation if lmtp else SmtpConversation
    return kind(
        Receiver(reports, lmtp=lmtp),
        data_size_limit=LARGEST,
        enable_SMTPUTF8=True,
        hostname="digest",  # asking the resolver for our name can take seconds
        ident="Digest",
        timeout=PATIENCE,
        loop=asyncio.get_running_loop(),
    )


async def serve(
    *,
    lmtp: bool,
    host: str,
    port: int,
    socket: Path | None = None,
    fd: int | None = None,
    ready: Callable[[str], None] = lambda _place: None,
) -> None:
    """Receive mail until SIGTERM or SIGINT; call `ready` with the place once listening.

    With `fd` on a socket that listens already; with `socket` on a unix socket (in a folder that
    decides who may write); else on `host`:`port`.
    """
    loop = asyncio.get_running_loop()
    new_conversation = partial(conversation, Pacer(commands.is_mail_sent), lmtp=lmtp)
    server: Any
    if fd is not None:
        listener = Socket(fileno=fd)
        host, port = listener.getsockname()[:2]
        server = await loop.create_server(new_conversation, sock=listener)
    elif socket:
        socket.unlink(missing_ok=True)  # noqa: ASYNC240  before anybody is connected
        server = await loop.create_unix_server(new_conversation, socket)
        socket.chmod(0o660)  # noqa: ASYNC240  as above
    else:
        server = await loop.create_server(new_conversation, host, port)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    ready(str(socket) if socket else f"{host}:{port}")
    await stop.wait()
    server.close()
    if socket:
        with contextlib.suppress(OSError):
            socket.unlink()  # noqa: ASYNC240  after everybody has left
