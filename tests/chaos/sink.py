"""A relay that keeps its word: who got what is written and synced before it says 250.

    python -m tests.chaos.sink PORT FILE [REFUSE DEFER]

Of a hundred recipients it refuses and defers so many, with real providers' words (`fates`); whom it
deferred comes through the next time, and everybody at a strict domain once FILE.open exists. Each
accepted message is a line `MESSAGE-ID RECIPIENT`. SIGUSR1 has it die before the next sync,
with the current messages unwritten, and SIGUSR2 right after one, with its replies unsaid.
"""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

from tests.chaos.fates import fate_of

_ID = re.compile(rb"(?mi)^message-id:\s*(\S+)")
_RECIPIENT = re.compile(rb"(?i)^RCPT TO:<([^>]*)>")


class Book:
    """The file, and the messages that wait for its next sync."""

    def __init__(self, path: str, refuse: int = 0, defer: int = 0) -> None:
        self.file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self.opening = Path(f"{path}.open")
        self.shares = (refuse, defer)
        self.deferred: set[str] = set()
        self.waiting: list[tuple[bytes, Session]] = []
        self.end = ""

    def take(self, line: bytes, session: "Session") -> None:
        """Sync soon, and then answer."""
        if not self.waiting:
            asyncio.get_running_loop().call_soon(self.sync)
        self.waiting.append((line, session))

    def refusal(self, address: str) -> bytes:
        """Return the reply that refuses or defers a recipient, b"" where it is accepted."""
        fate = fate_of(address, *self.shares)
        if fate.follows == "deferred":
            if address in self.deferred:
                return b""
            self.deferred.add(address)
        if fate.follows == "strict" and self.opening.exists():
            return b""
        return fate.reply.encode()

    def sync(self) -> None:
        """Make what waits last, then say so."""
        if self.end == "before":
            os._exit(1)
        waiting, self.waiting = self.waiting, []
        os.write(self.file, b"".join(line for line, _ in waiting))
        os.fsync(self.file)
        if self.end == "after":
            os._exit(1)
        for _, session in waiting:
            session.accepted()


class Session(asyncio.Protocol):
    """One connection, PIPELINING offered."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.buffer = b""
        self.in_data = False
        self.held = False  # a reply is still to come; what was said after it waits
        self.recipient = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.say(b"220 chaos ESMTP")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self.go_on()

    def go_on(self) -> None:
        """Work off what was said so far."""
        while not self.held:
            if self.in_data:
                message, end, rest = self.buffer.partition(b"\r\n.\r\n")
                if not end:
                    return
                self.buffer, self.in_data, self.held = rest, False, True
                match = _ID.search(message)
                assert match
                self.book.take(b"%b %b\n" % (match[1], self.recipient), self)
                return
            line, end, rest = self.buffer.partition(b"\r\n")
            if not end:
                return
            self.buffer = rest
            self.obey(line)

    def obey(self, line: bytes) -> None:
        """Answer a command."""
        verb = line[:4].upper()
        if verb == b"EHLO":
            self.say(b"250-chaos\r\n250-PIPELINING\r\n250 8BITMIME")
        elif verb == b"DATA":
            self.in_data = bool(self.recipient)
            self.say(b"354 go on" if self.recipient else b"554 5.5.1 no valid recipients")
        elif verb == b"QUIT":
            self.say(b"221 bye")
            self.transport.close()
        elif match := _RECIPIENT.match(line):
            refusal = self.book.refusal(match[1].decode())
            self.recipient = b"" if refusal else match[1]
            self.say(refusal or b"250 2.1.5 ok")
        else:
            self.say(b"250 2.0.0 ok")

    def accepted(self) -> None:
        """Say 250, and listen again."""
        self.held = False
        self.say(b"250 2.0.0 kept")
        self.go_on()

    def say(self, reply: bytes) -> None:
        """Answer."""
        if not self.transport.is_closing():
            self.transport.write(reply + b"\r\n")


async def main(port: int, path: str, *shares: int) -> None:
    """Listen until killed."""
    book = Book(path, *shares)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, setattr, book, "end", "before")
    loop.add_signal_handler(signal.SIGUSR2, setattr, book, "end", "after")
    server = await loop.create_server(lambda: Session(book), "127.0.0.1", port, backlog=200)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])))
