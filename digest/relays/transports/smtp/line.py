"""One session's conversation: replies in, commands and messages out. Never blocks.

    offer        MAIL, RCPT, DATA in one go with PIPELINING (RFC 2920), else one by one
    354          the line has a message `ready`; its loop records it and calls `hand_over`
    hand_over    the message, with the next message's envelope right behind the final dot
    250          settled; the next message's 354 comes with it

So a message costs one round trip. Where the relay knows CHUNKING (RFC 3030) a message goes as one
BDAT, with its length ahead and without dots; the message is ready as soon as RCPT is accepted.

What the relay says before it knows the subscriber (MAIL) concerns us, and so does 421 at any
moment: the message is given back. Its word on RCPT, DATA or the message concerns that subscriber
alone.
"""

import ssl
import time
from collections import deque
from contextlib import suppress
from enum import Enum, auto
from typing import TYPE_CHECKING

from digest.relays.transports.base import Envelope, MessageSource, OutgoingMessage, Reply
from digest.relays.transports.smtp import wire
from digest.relays.transports.smtp.connecting import Session

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND_SECONDS = 300  # RFC 5321 §4.5.3.2.2, .3: for a whole reply, however it drips
FINAL_SECONDS = 600  # RFC 5321 §4.5.3.2.6
READ = 65_536


class Step(Enum):
    """What a reply that is awaited answers."""

    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    END = auto()
    NOTHING = auto()  # the dot after a 354 that nobody could stop
    RSET = auto()


class BrokenLineError(Exception):
    """The connection is of no use any more; says why."""


class Line:
    """A session in use. Its owner watches `socket` and calls `read` and `write`."""

    def __init__(self, session: Session, messages: int) -> None:
        """Carry up to `messages` over a session."""
        self.socket = session.socket
        self.socket.settimeout(0)
        self.session = session
        self.left = messages
        self.settled = 0  # messages that the relay had its say on
        self.ready: OutgoingMessage | None = None
        self.idle = True
        self.wants_write = False
        self.deadline = 0.0
        # Hears of a refusal that would meet any message.
        self.give_way: Callable[[str], None] = lambda _: None
        self._pipelining = "pipelining" in session.extensions
        self._chunking = "chunking" in session.extensions
        self._replies = wire.Replies()
        self._expected: deque[tuple[Step, OutgoingMessage]] = deque()
        self._held: deque[tuple[Step, OutgoingMessage, bytes]] = (
            deque()
        )  # not said yet, without PIPELINING
        self._out = memoryview(b"")
        self._body_left = 0  # octets of the message in flight that are still in `_out`
        self._octets = b""  # of the message on offer, as it goes over the wire
        self._begun: OutgoingMessage | None = None
        self._refusal: Reply | None = None
        self._reset_first = False

    @property
    def busy(self) -> bool:
        """An answer is awaited, or a message is in hand."""
        return bool(self._expected or self._held or self.ready)

    # --- from the loop -----------------------------------------------------------------

    def start(self, source: MessageSource) -> None:
        """Offer the next message, if there is one."""
        message = self._next(source)
        self.idle = message is None
        if message is not None:
            self._send(self._offer(message))

    def read(self, source: MessageSource) -> None:
        """Hear what the relay says; raises BrokenLineError."""
        try:
            octets = self.socket.recv(READ)
            while isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
                octets += self.socket.recv(READ)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as cause:
            raise BrokenLineError(str(cause)) from cause
        if not octets:
            raise BrokenLineError("the relay hung up")
        try:
            replies = self._replies.feed(octets)
        except ValueError as cause:
            raise BrokenLineError(str(cause)) from cause
        for reply in replies:
            self._hear(reply, source)
        if replies:
            self._set_deadline()

    def hand_over(self, source: MessageSource) -> None:
        """Send the message that is ready, which is in the book by now, and the next envelope."""
        message, self.ready = self.ready, None
        assert message is not None
        if not self._replies.empty or self._expected:
            raise BrokenLineError("the relay spoke out of turn")
        content, self._octets = self._octets, b""
        self._begun, self._body_left = message, len(content)
        self._expected.append((Step.END, message))
        self.left -= 1
        following = b""
        if self._pipelining and self.left > 0 and (after := self._next(source)) is not None:
            following = self._offer(after)
        self._send(content + following if following else content)

    def write(self) -> None:
        """Go on sending what the socket did not take at once; raises BrokenLineError."""
        self._send(b"")

    def overdue(self, now: float) -> bool:
        """Say whether the relay took longer than RFC 5321 allows it."""
        return bool(self._expected) and now > self.deadline

    def abandon(self, source: MessageSource, why: str) -> None:
        """Account for every message in hand, and close without a word."""
        with suppress(OSError):
            self.socket.close()
        begun, self._begun = self._begun, None
        if begun is not None:
            if self._body_left:
                source.return_unsent(begun)  # without its end no relay takes it
            else:
                source.mark_uncertain(begun, why)
        waiting = {id(message): message for _, message in self._expected if message is not begun}
        waiting |= {id(message): message for _, message, _ in self._held}
        if self.ready is not None:
            waiting[id(self.ready)] = self.ready
        for message in waiting.values():
            if message is not _NOBODY:
                source.return_unsent(message)
        self._expected.clear()
        self._held.clear()
        self.ready, self.idle = None, True

    def quit(self) -> None:
        """Say goodbye without waiting for an answer."""
        with suppress(OSError):
            self.socket.settimeout(1)
            self.socket.sendall(b"QUIT\r\n")
        with suppress(OSError):
            self.socket.close()

    # --- what is heard -----------------------------------------------------------------

    def _hear(self, reply: Reply, source: MessageSource) -> None:
        if not self._expected:
            raise BrokenLineError(f"unasked: {reply.code} {reply.text}")
        step, message = self._expected[0]
        if reply.code == 421:  # RFC 5321 §3.8: the relay closes the connection; nothing was taken
            self._begun = None if step is Step.END else self._begun
            raise BrokenLineError(f"sent away: {reply.code} {reply.text}")
        if not _makes_sense(step, reply.code):
            raise BrokenLineError(f"no answer to {step.name}: {reply.code} {reply.text}")
        self._expected.popleft()
        if step is Step.MAIL:
            self._hear_of_sender(reply)
        elif step is Step.RCPT:
            self._refuse(reply, when=not reply.accepted)
        elif step is Step.DATA:
            self._hear_of_data(reply, message, source)
        elif step is Step.END:
            self._begun = None
            self._settle(message, reply, source)
        self._go_on(source)

    def _hear_of_sender(self, reply: Reply) -> None:
        self._refuse(reply, when=not reply.accepted)
        # RFC 1870 §6.1: too big, which is the message's own affair; anything else is ours.
        if not reply.accepted and reply.code != 552:
            self._refusal = _OURS
            self.give_way(f"refuses our sender: {reply.code} {reply.text}")

    def _hear_of_data(self, reply: Reply, message: OutgoingMessage, source: MessageSource) -> None:
        """Be ready for the message, or done with it.

        A 354 that comes after a refusal is answered with an empty message to nobody, because
        nothing else could end it (RFC 2920 §3.1).
        """
        refusal, self._refusal = self._refusal, None
        if reply.code == 354 and refusal is None:
            self.ready = message
            return
        self._reset_first = True
        if reply.code == 354:
            self._expected.append((Step.NOTHING, _NOBODY))
            self._send(b".\r\n")
        self._conclude(message, refusal or reply, source)

    def _refuse(self, reply: Reply, *, when: bool) -> None:
        if when and self._refusal is None:
            self._refusal = reply

    def _conclude(self, message: OutgoingMessage, refusal: Reply, source: MessageSource) -> None:
        """Account for a message whose envelope was refused."""
        if refusal is _OURS:
            source.return_unsent(message)
        else:
            self._settle(message, refusal, source)

    def _settle(self, message: OutgoingMessage, reply: Reply, source: MessageSource) -> None:
        self.settled += 1
        source.record_reply(message, reply)

    def _go_on(self, source: MessageSource) -> None:
        """Say what can be said now."""
        if self._held:
            self._say_held(source)
        if not self._expected and not self._held and self.ready is None:
            self.start(source)

    def _say_held(self, source: MessageSource) -> None:
        """Say the next command once all others are answered, unless one of them was refused."""
        if self._expected:
            return
        step, message, command = self._held[0]
        if self._refusal is not None and step in {Step.RCPT, Step.DATA}:
            refusal, self._refusal = self._refusal, None
            while self._held and self._held[0][1] is message:
                self._held.popleft()
            self._reset_first = True
            self._conclude(message, refusal, source)
            return
        self._held.popleft()
        if step is Step.DATA and self._chunking:
            self.ready = message
            return
        self._expected.append((step, message))
        self._send(command)

    # --- what is said ------------------------------------------------------------------

    def _next(self, source: MessageSource) -> OutgoingMessage | None:
        """Take the next message that this relay can be offered at all."""
        while self.left > 0 and (message := source.next_message()) is not None:
            refusal = self._unfit(message)
            if refusal is None:
                return message
            self._conclude(message, refusal, source)
        return None

    def _unfit(self, message: OutgoingMessage) -> Reply | None:
        """Say why a message cannot be offered to this relay; else make its octets ready."""
        try:
            self._octets = self._on_the_wire(message)
        except ValueError as problem:
            return Reply(554, f"5.6.0 Not sent: {problem}.")
        envelope, largest = message.envelope, self.session.largest
        if largest and len(message.content) > largest:
            return Reply(552, f"5.3.4 The relay takes {largest} octets at most.")
        if "smtputf8" in self.session.extensions:
            return None
        if not envelope.sender.isascii():
            self.give_way("has no SMTPUTF8, which our sender needs")
            return _OURS
        if not envelope.recipient.isascii():
            return Reply(553, "5.6.7 The relay has no SMTPUTF8, which this address needs.")
        return None

    def _offer(self, message: OutgoingMessage) -> bytes:
        """Await the answers to a message's envelope, and return what is to be sent of it now."""
        content, extensions = message.content, self.session.extensions
        commands = [
            (
                Step.MAIL,
                message,
                wire.mail(
                    message.envelope,
                    len(content),
                    ascii_body=content.isascii(),
                    extensions=extensions,
                ),
            ),
            (Step.RCPT, message, wire.rcpt(message.envelope, extensions)),
            (Step.DATA, message, b"DATA\r\n"),
        ]
        if self._reset_first:
            commands.insert(0, (Step.RSET, _NOBODY, b"RSET\r\n"))
            self._reset_first = False
        at_once = len(commands) if self._pipelining else 1
        if self._pipelining and self._chunking:
            at_once -= 1  # there is no DATA then: the message itself comes after RCPT's answer
        self._held.extend(commands[at_once:])
        self._expected.extend((step, message) for step, message, _ in commands[:at_once])
        return b"".join([command for _, _, command in commands[:at_once]])

    def _on_the_wire(self, message: OutgoingMessage) -> bytes:
        content = message.content
        if self._chunking:
            if not message.smtp_safe:
                wire.strict(content)
            return b"BDAT %d LAST\r\n%b" % (len(content), content)
        return wire.terminated(content) if message.smtp_safe else wire.stuffed(content)

    def _send(self, octets: bytes) -> None:
        """Send octets, and store what the socket does not accept."""
        if octets:
            self._out = memoryview(bytes(self._out) + octets) if self._out else memoryview(octets)
            self._set_deadline()
        try:
            while self._out:
                sent = self.socket.send(self._out)
                self._out = self._out[sent:]
                self._body_left = max(0, self._body_left - sent)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError as cause:
            raise BrokenLineError(str(cause)) from cause
        self.wants_write = bool(self._out)

    def _set_deadline(self) -> None:
        final = bool(self._expected) and self._expected[0][0] is Step.END
        self.deadline = time.monotonic() + (FINAL_SECONDS if final else COMMAND_SECONDS)


_NOBODY = OutgoingMessage(0, Envelope("", ""), b"")  # stands for no message in what is awaited
_OURS = Reply(0, "")  # stands for a refusal that is not the subscriber's


def _makes_sense(step: Step, code: int) -> bool:
    """Say whether a code can answer a command at all (RFC 5321 §4.3.2)."""
    if step is Step.NOTHING:
        return True
    if step is Step.RSET:
        return 200 <= code < 300
    good = code == 354 if step is Step.DATA else 200 <= code < 300
    return good or 400 <= code < 600
