"""A scripted SMTP server: real sockets, replies as a test wants them, and a record on disk.

    with SmtpServer({"rcpt": lambda address: "550 5.1.1 Nobody"}) as server: ...

A script maps a stage (`connect`, `ehlo`, `mail`, `rcpt`, `data`, `end`) to a function from what was
said (at `end`: the recipient) to a reply, None for the usual one, or CLOSE to hang up.
"""

import os
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple, Self

CLOSE = "close"
NOBODY = "554 5.5.1 no valid recipients"
Script = Mapping[str, Callable[[str], str | None]]
Say = Callable[[str, str, str], bool]  # stage, what about, usual reply: was it a good one?


class Received(NamedTuple):
    """One accepted message."""

    sender: str
    recipient: str
    data: bytes  # as sent, dots unstuffed, without the final one


class SmtpServer:
    """Listens on a free port of the loopback until the `with` block ends."""

    EXTENSIONS = ("SIZE 10000000", "8BITMIME")  # that EHLO offers where no script says otherwise

    def __init__(
        self, script: Script | None = None, *, delay: float = 0, lenient: bool = False
    ) -> None:
        self.script: Script = script or {}
        self.lenient = lenient  # says 354 even where it knows no recipient (RFC 2920 §3.1)
        self.delay = delay  # seconds before each final reply
        self.received: list[Received] = []
        self.connections = self.most_connections = 0  # at once
        self.said: list[str] = []
        self.log = Path(mkdtemp(prefix="digest-smtp-")) / "accepted"
        self._log = self.log.open("ab")
        self._lock = threading.Lock()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer._count(1)
                with suppress(ConnectionError, ValueError):
                    outer.converse(self)
                outer._count(-1)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        """What DIGEST_SMTP_URL should be."""
        return f"smtp://127.0.0.1:{self.port}?starttls=never"

    @property
    def recipients(self) -> list[str]:
        """Who got something, in order."""
        return [received.recipient for received in self.received]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._log.close()

    def _count(self, more: int) -> None:
        with self._lock:
            self.connections += more
            self.most_connections = max(self.connections, self.most_connections)

    def converse(self, client: socketserver.StreamRequestHandler) -> None:
        """Hold one session."""
        sender, recipient = "", ""

        def say(stage: str, about: str, usual: str) -> bool:
            reply = self._scripted(stage, about) or usual
            if reply == CLOSE:
                client.connection.shutdown(socket.SHUT_RDWR)
                raise ConnectionError
            client.wfile.write(reply.encode() + b"\r\n")
            return reply[0] in "23"

        say("connect", "", "220 test ESMTP")
        while line := client.rfile.readline():
            words = line.decode("utf-8", "replace").strip()
            self.said.append(words)
            verb = words.split(":")[0].split()[0].upper() if words else ""
            argument = words.partition("<")[2].partition(">")[0]
            if verb in {"EHLO", "HELO"}:
                offered = "\r\n250-".join(["250-test", *self.EXTENSIONS])
                say("ehlo", words, f"{offered}\r\n250 HELP")
            elif verb == "MAIL":
                sender = argument if say("mail", words, "250 2.1.0 ok") else ""
            elif verb == "RCPT":
                recipient = argument if say("rcpt", argument, "250 2.1.5 ok") else ""
            elif verb in {"DATA", "BDAT"}:
                self._receive(client, say, words, Received(sender, recipient, b""))
            elif verb == "QUIT":
                say("quit", "", "221 bye")
                return
            else:
                say(verb.lower(), "", "250 ok")

    def _scripted(self, stage: str, about: str) -> str | None:
        script = self.script.get(stage)
        return script(about) if script else None

    def _receive(
        self, client: socketserver.StreamRequestHandler, say: Say, words: str, so_far: Received
    ) -> None:
        """Receive a message; BDAT is always the whole of it (RFC 3030)."""
        recipient = so_far.recipient
        if words.startswith("BDAT"):
            data = client.rfile.read(int(words.split()[1]))
            if self._scripted("data", recipient):
                say("data", recipient, "")
            else:
                self._take(client, say, so_far._replace(data=data))
        elif not recipient and not self.lenient:
            say("nobody", "", NOBODY)
        elif say("data", recipient, "354 go on"):
            data = self._read(client)
            if recipient:
                self._take(client, say, so_far._replace(data=data))
            else:
                say("nobody", "", NOBODY)

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
        say: Say,
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
        say("final", received.recipient, reply)
