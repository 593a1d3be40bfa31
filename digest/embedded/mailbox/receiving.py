"""Takes mail by SMTP and puts it into the Maildir, as a mail delivery agent would.

The bytes after DATA are kept as they came. Before them stand the lines that a delivery agent adds:
Return-Path with the envelope's sender (RFC 5321 §4.4), Delivered-To and X-Original-To with the
recipient. One file for each recipient.
"""

import asyncio
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

from digest.embedded.mailbox import maildir

LARGEST = 25 * 1024 * 1024  # octets, said in the answer to EHLO (RFC 1870)


class Receiver:
    """The answers to one SMTP conversation (aiosmtpd's handler)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        """Write one copy for each recipient, and answer only then."""
        content = envelope.original_content or b""
        try:
            for recipient in envelope.rcpt_tos:
                trace = trace_lines(envelope.mail_from or "", recipient)
                await asyncio.to_thread(maildir.deliver, self.folder, trace + content)
        except OSError as problem:
            return f"452 4.3.1 Cannot store the mail: {problem.strerror}"  # RFC 3463 §3.4
        return "250 2.0.0 In the mailbox"


def trace_lines(sender: str, recipient: str) -> bytes:
    """Return the lines that delivery puts before a mail, each ended by CRLF."""
    lines = (
        f"Return-Path: <{sender.strip('<>')}>",
        f"Delivered-To: {recipient.strip('<>')}",
        f"X-Original-To: {recipient.strip('<>')}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape")


async def serve(listener: socket.socket, folder: Path, ready: Callable[[str], None]) -> None:
    """Receive mail until SIGTERM or SIGINT; call `ready` with host and port once receiving."""
    maildir.create(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _conversation(folder), sock=listener)
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop.set)
    host, port = listener.getsockname()[:2]
    ready(f"{host}:{port}")
    await asked_to_stop.wait()
    server.close()


def _conversation(folder: Path) -> SMTP:
    return SMTP(
        Receiver(folder),
        data_size_limit=LARGEST,
        enable_SMTPUTF8=True,
        hostname="localhost",  # asking the resolver for our name can take seconds
        ident="Digest local mailbox",
        loop=asyncio.get_running_loop(),
    )
