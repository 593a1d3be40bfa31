"""All lines of a relay, in one loop and one thread.

    the first line opens > others follow while they are needed, each set up in a thread of its own
    what is read makes messages ready > all of one round are begun in the book together > handed
    over

A line that breaks is opened again if it got anything done; one that cannot be opened is done
without. When none is left the relay is down.
"""

import selectors
import socket
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Self

from digest.relays.errors import RelayDownError, ReplyLostError
from digest.relays.transports.base import Envelope, MessageSource, OutgoingMessage, Reply
from digest.relays.transports.smtp.address import RelayAddress
from digest.relays.transports.smtp.connecting import Session, connect
from digest.relays.transports.smtp.line import BrokenLineError, Line

TICK = 0.5  # seconds between two looks at the deadlines

Opening = Future[Session]


class SmtpTransport:
    """Hands mail to one relay over SMTP."""

    preserves_message = True

    def __init__(self, address: RelayAddress) -> None:
        self.address = address
        self.connections = address.connections
        self._lines: list[Line] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def deliver(self, envelope: Envelope, content: bytes) -> Reply:
        """Deliver one message; see Transport.deliver."""
        source = _Single(OutgoingMessage(0, envelope, content))
        try:
            with _Loop(self.address, self._lines, source, connections=1) as loop:
                loop.run()
        except RelayDownError:
            if not source.lost:
                raise
        return source.word()

    def deliver_all(self, source: MessageSource) -> None:
        """Deliver all messages of a source; see Transport.deliver_all."""
        with _Loop(self.address, self._lines, source, self.connections) as loop:
            loop.run()

    def check(self) -> str:
        """Connect, and return how the relay greets us; raise RelayDownError if it doesn't."""
        if not self._lines:
            session = connect(self.address)
            self._lines.append(Line(session, self.address.messages))
        return self._lines[0].session.greeting

    def close(self) -> None:
        """Say goodbye, without insisting."""
        for line in self._lines:
            line.quit()
        self._lines.clear()


class _Loop:
    """One delivery of everything a source has."""

    def __init__(
        self, address: RelayAddress, lines: list[Line], source: MessageSource, connections: int
    ) -> None:
        self.address = address
        self.lines = lines  # of the transport: they outlive us
        self.source = source
        self.connections = connections
        self.over = ""  # why no more is offered
        self._broke = ""  # why a line broke that had got nothing done
        self._settled = 0  # by lines that are gone
        self._selector = selectors.DefaultSelector()
        self._watched: dict[Line, int] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._opening: set[Opening] = set()
        self._opened: list[Opening] = []
        self._ears, self._bell = socket.socketpair()
        self._ears.settimeout(0)

    def __enter__(self) -> Self:
        self._selector.register(self._ears, selectors.EVENT_READ, None)
        return self

    def __exit__(self, *_: object) -> None:
        for line in list(self.lines):
            if not line.idle:  # only after an error of ours
                self._drop(line, "interrupted")
        for opening in self._opening:
            opening.add_done_callback(_hang_up)
        if self._threads:
            self._threads.shutdown(wait=False, cancel_futures=True)
        self._selector.close()
        self._ears.close()
        self._bell.close()

    def run(self) -> None:
        """Deliver until the source has no more; raises RelayDownError."""
        if not self.lines:
            self._use(connect(self.address))
        else:
            for line in list(self.lines):
                self._guard(line, line.start, self.source)
                self._watch(line)
        self._open_more()
        looked = time.monotonic()
        while any(not line.idle for line in self.lines) or (self._opening and not self.lines):
            for key, events in self._selector.select(TICK):
                self._attend(key.data, events)
            self._hand_over()
            if time.monotonic() - looked > TICK:
                looked = time.monotonic()
                self._look_at_deadlines(looked)
                self.source.tick()
        # A relay that breaks lines and never answers is left alone, before more is uncertain.
        if self._broke and not self._settled + sum(line.settled for line in self.lines):
            self.over = self.over or self._broke
        if self.over:
            raise RelayDownError(self.over)

    def _attend(self, line: Line | None, events: int) -> None:
        """Do what a socket is ready for; no line: others were opened."""
        if line is None:
            self._take_in_opened()
            return
        if events & selectors.EVENT_WRITE:
            self._guard(line, line.write)
            self._watch(line)
        if events & selectors.EVENT_READ:
            self._guard(line, line.read, self.source)

    def _hand_over(self) -> None:
        """Note in the book all that is ready, then send it."""
        ready = [line for line in self.lines if line.ready is not None]
        if not ready:
            return
        may_go = self.source.begin([line.ready for line in ready if line.ready is not None])
        for line in ready:
            if line.ready is not None and line.ready.key in may_go:
                self._guard(line, line.hand_over, self.source)
                self._watch(line)
            else:  # after a 354 only hanging up keeps a message back
                self._drop(line, "kept back")
                self._replace(line, "kept back")

    def _guard(self, line: Line, act: Callable[..., None], *words: object) -> None:
        """Let a line do something; renew it when it is used up or broken."""
        if line not in self.lines:
            return
        try:
            act(*words)
        except BrokenLineError as problem:
            why = f"The connection to {self.address.host} broke: {problem}"
            self._drop(line, why)
            self._replace(line, why)
        else:
            if line.left <= 0 and not line.busy:
                self._drop(line, "", politely=True)
                self._replace(line, "")

    def _replace(self, line: Line, why: str) -> None:
        """Open another in place of a line that got something done."""
        if self.over:
            return
        self._settled += line.settled
        if line.settled:
            self._open()
            return
        self._broke = why
        if not self.lines and not self._opening:
            self.over = why

    def _drop(self, line: Line, why: str, *, politely: bool = False) -> None:
        if line in self._watched:
            self._selector.unregister(line.socket)
            del self._watched[line]
        self.lines.remove(line)
        if politely:
            line.quit()
        else:
            line.abandon(self.source, why)

    def _watch(self, line: Line) -> None:
        """Have the selector look for what the line waits for."""
        if line not in self.lines:
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.wants_write else 0)
        known = self._watched.get(line)
        if known is None:
            self._selector.register(line.socket, events, line)
        elif known != events:
            self._selector.modify(line.socket, events, line)
        self._watched[line] = events

    def _give_way(self, why: str) -> None:
        """Offer nothing more: what was said to one line would meet any message."""
        self.over = self.over or f"{self.address.host} {why}"
        for line in self.lines:
            line.left = 0

    def _look_at_deadlines(self, now: float) -> None:
        for line in list(self.lines):
            if line.overdue(now):
                why = f"{self.address.host} took too long to answer."
                self._drop(line, why)
                self._replace(line, why)

    # --- opening lines -----------------------------------------------------------------

    def _use(self, session: Session) -> None:
        line = Line(session, self.address.messages)
        line.give_way = self._give_way
        self.lines.append(line)
        self._guard(line, line.start, self.source)
        self._watch(line)

    def _open_more(self) -> None:
        """Open the other connections, if the first one found something to carry."""
        if any(not line.idle for line in self.lines):
            for _ in range(self.connections - len(self.lines) - len(self._opening)):
                self._open()

    def _open(self) -> None:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.connections, "smtp-connect")
        opening = self._threads.submit(connect, self.address)
        self._opening.add(opening)
        opening.add_done_callback(self._ring)

    def _ring(self, opening: Opening) -> None:
        self._opened.append(opening)
        with suppress(OSError):
            self._bell.send(b".")

    def _take_in_opened(self) -> None:
        with suppress(BlockingIOError):
            self._ears.recv(1_000)
        while self._opened:
            opening = self._opened.pop()
            self._opening.discard(opening)
            try:
                session = opening.result()
            except RelayDownError as problem:
                if not self.lines and not self._opening:
                    self.over = self.over or str(problem)
            else:
                self._use(session)


class _Single:
    """A source of one message; if it is returned unsent, a new connection tries it once more."""

    def __init__(self, message: OutgoingMessage) -> None:
        self.waiting: list[OutgoingMessage] = [message]
        self.given_back = 0
        self.reply: Reply | None = None
        self.lost = ""

    def next_message(self) -> OutgoingMessage | None:
        """Return it, unless it is under way."""
        return self.waiting.pop() if self.waiting else None

    def begin(self, messages: Sequence[OutgoingMessage]) -> Collection[int]:
        """Let it go: its caller has noted it already."""
        return {message.key for message in messages}

    def record_reply(self, message: OutgoingMessage, reply: Reply) -> None:  # noqa: ARG002
        """Keep the reply."""
        self.reply = reply

    def mark_uncertain(self, message: OutgoingMessage, reason: str) -> None:  # noqa: ARG002
        """Keep that it is uncertain."""
        self.lost = reason

    def return_unsent(self, message: OutgoingMessage) -> None:
        """Offer it once more."""
        self.given_back += 1
        if self.given_back == 1:
            self.waiting.append(message)

    def tick(self) -> None:
        """Nothing: there is nothing else to do."""

    def word(self) -> Reply:
        """Return the relay's word, or raise what there is instead."""
        if self.lost:
            raise ReplyLostError(self.lost)
        if self.reply is None:
            raise RelayDownError("The connection broke before the message was handed over.")
        return self.reply


def _hang_up(opening: Opening) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().socket.close()
