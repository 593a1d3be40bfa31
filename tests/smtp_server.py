"""A scripted SMTP server over real sockets, with a record on disk of what it accepted.

    with SmtpServer({"rcpt": lambda address: "550 5.1.1 Nobody"}) as server: ...

A script maps a stage (`connect`, `ehlo`, `mail`, `rcpt`, `data`, `end`) to a function from the
command (at `end`: the recipient) to a reply, None for the default, or CLOSE to hang up.
"""

import os
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import NamedTuple, Self

CLOSE = "close"
NOBODY = "554 5.5.1 no valid recipients"
Script = Mapping[str, Callable[[str], str | None]]
# From the stage, the script's argument and the default reply to whether the reply was positive.
Respond = Callable[[str, str, str], bool]


class Received(NamedTuple):
    """One accepted message."""

    sender: str
    recipient: str
    data: bytes  # as sent, dots unstuffed, without the final one


class SmtpServer:
    """Listens on a free port of the loopback until the `with` block ends."""

    EXTENSIONS = ("SIZE 10000000", "8BITMIME")  # that EHLO offers without a script

    def __init__(
        self, script: Script | None = None, *, delay: float = 0, lenient: bool = False
    ) -> None:
        self.script: Script = script or {}
        self.lenient = lenient  # replies 354 even without a recipient (RFC 2920 §3.1)
        self.delay = delay  # seconds before each final reply
        self.received: list[Received] = []
        self.connections = self.most_connections = 0  # at once
        self.commands: list[str] = []
        self.log = Path(mkdtemp(prefix="digest-smtp-")) / "accepted"
        self._log = self.log.open("ab")
        self._lock = threading.Lock()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer._count(1)
                with suppress(ConnectionError, ValueError):
                    outer.serve(self)
                outer._count(-1)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        """The value for DIGEST_SMTP_URL."""
        return f"smtp://127.0.0.1:{self.port}?starttls=never"

    @property
    def recipients(self) -> list[str]:
        """The recipients of accepted messages, in order."""
        return [received.recipient for received in self.received]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._log.close()
        rmtree(self.log.parent, ignore_errors=True)

    def _count(self, change: int) -> None:
        with self._lock:
            self.connections += change
            self.most_connections = max(self.connections, self.most_connections)

    def serve(self, client: socketserver.StreamRequestHandler) -> None:
        """Serve one session."""
        sender, recipient = "", ""

        def respond(stage: str, argument: str, default: str) -> bool:
            reply = self._scripted(stage, argument) or default
            if reply == CLOSE:
                client.connection.shutdown(socket.SHUT_RDWR)
                raise ConnectionError
            client.wfile.write(reply.encode() + b"\r\n")
            return reply[0] in "23"

        respond("connect", "", "220 test ESMTP")
        while line := client.rfile.readline():
            command = line.decode("utf-8", "replace").strip()
            self.commands.append(command)
            verb = command.split(":")[0].split()[0].upper() if command else ""
            address = command.partition("<")[2].partition(">")[0]
            if verb in {"EHLO", "HELO"}:
                offered = "\r\n250-".join(["250-test", *self.EXTENSIONS])
                respond("ehlo", command, f"{offered}\r\n250 HELP")
            elif verb == "MAIL":
                sender = address if respond("mail", command, "250 2.1.0 ok") else ""
            elif verb == "RCPT":
                recipient = address if respond("rcpt", address, "250 2.1.5 ok") else ""
            elif verb in {"DATA", "BDAT"}:
                self._receive(client, respond, command, Received(sender, recipient, b""))
            elif verb == "QUIT":
                respond("quit", "", "221 bye")
                return
            else:
                respond(verb.lower(), "", "250 ok")

    def _scripted(self, stage: str, argument: str) -> str | None:
        script = self.script.get(stage)
        return script(argument) if script else None

    def _receive(
        self,
        client: socketserver.StreamRequestHandler,
        respond: Respond,
        command: str,
        envelope: Received,
    ) -> None:
        """Receive a message; BDAT is always the whole of it (RFC 3030)."""
        recipient = envelope.recipient
        if command.startswith("BDAT"):
            data = client.rfile.read(int(command.split()[1]))
            if self._scripted("data", recipient):
                respond("data", recipient, "")
            else:
                self._take(client, respond, envelope._replace(data=data))
        elif not recipient and not self.lenient:
            respond("nobody", "", NOBODY)
        elif respond("data", recipient, "354 go on"):
            data = self._read(client)
            if recipient:
                self._take(client, respond, envelope._replace(data=data))
            else:
                respond("nobody", "", NOBODY)

    def _read(self, client: socketserver.StreamRequestHandler) -> bytes:
        lines = []
        while (line := client.rfile.readline()) != b".\r\n":
            if not line:
                raise ConnectionError
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def _take(
        self,
        client: socketserver.StreamRequestHandler,
        respond: Respond,
        received: Received,
    ) -> None:
        threading.Event().wait(self.delay)
        reply = self._scripted("end", received.recipient) or "250 2.0.0 ok"
        if reply.startswith("250"):
            with self._lock:
                self.received.append(received)
                self._log.write(f"{received.recipient}\n".encode())
                self._log.flush()
                os.fsync(self._log.fileno())
        respond("final", received.recipient, reply)
