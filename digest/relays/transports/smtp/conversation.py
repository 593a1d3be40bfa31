"""One session's conversation: replies in, commands and messages out. Never blocks.

    offer        MAIL, RCPT, DATA in one go with PIPELINING (RFC 2920), else one by one
    354          the message is `ready`; the loop records that it begins, then calls `hand_over`
    hand_over    the content, with the next message's envelope right behind the final dot
    250          the message is done; the reply to the next DATA comes with it

So a message costs one round trip. With CHUNKING (RFC 3030) the content is one BDAT, its length in
front and without dot stuffing; the message is ready as soon as RCPT is accepted.

A refusal of MAIL concerns us, and so does 421 at any moment: the message is returned unsent. A
reply to RCPT, DATA or the content concerns that recipient alone.
"""

import ssl
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from digest.relays.transports.base import Envelope, MessageSource, OutgoingMessage, Reply
from digest.relays.transports.smtp import wire
from digest.relays.transports.smtp.session import Session
from digest.relays.transports.smtp.steps import Step, can_answer

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND_SECONDS = 300  # RFC 5321 §4.5.3.2.2, .3: for a whole reply, however slowly it arrives
FINAL_SECONDS = 600  # RFC 5321 §4.5.3.2.6
READ_OCTETS = 65_536

_NOBODY = OutgoingMessage(0, Envelope("", ""), b"")  # stands for no message among awaited replies
_REFUSES_US = Reply(0, "")  # stands for a refusal that does not depend on the recipient


class BrokenConversationError(Exception):
    """The connection cannot be used any longer; `reply` is the relay's last word, if it has one."""

    def __init__(self, problem: str, reply: Reply | None = None) -> None:
        super().__init__(problem)
        self.reply = reply


class Conversation:
    """A session in use. The loop watches `socket` and calls `read` and `write`."""

    def __init__(self, session: Session, messages: int) -> None:
        """Deliver up to `messages` over a session."""
        self.socket = session.socket
        self.socket.settimeout(0)
        self.session = session
        self.remaining = messages
        self.answered = 0  # messages that the relay has replied to
        self.ready: OutgoingMessage | None = None
        self.idle = True
        self.wants_write = False
        self.deadline = 0.0
        # Called with the problem when the relay refuses what every message has.
        self.on_refusal: Callable[[str, Reply | None], None] = lambda *_: None
        self._pipelining = "pipelining" in session.extensions
        self._chunking = "chunking" in session.extensions
        self._replies = wire.Replies()
        self._awaited: deque[tuple[Step, OutgoingMessage]] = deque()
        # Commands that have to wait for a reply, without PIPELINING
        self._pending: deque[tuple[Step, OutgoingMessage, bytes]] = deque()
        self._unsent = memoryview(b"")
        self._unsent_content = 0  # octets of the content under way that are still in `_unsent`
        self._encoded = b""  # content of the message on offer, as it goes over the wire
        self._begun: OutgoingMessage | None = None
        self._refusal: Reply | None = None
        self._reset_first = False

    @property
    def busy(self) -> bool:
        """A reply is awaited, or a message is waiting."""
        return bool(self._awaited or self._pending or self.ready)

    # --- called by the loop --------------------------------------------------------------

    def start(self, source: MessageSource) -> None:
        """Offer the next message, if there is one."""
        message = self._next_message(source)
        self.idle = message is None
        if message is not None:
            self._send(self._offer(message))

    def read(self, source: MessageSource) -> None:
        """Handle the replies that have arrived; raises BrokenConversationError."""
        try:
            octets = self.socket.recv(READ_OCTETS)
            while isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
                octets += self.socket.recv(READ_OCTETS)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as cause:
            raise BrokenConversationError(str(cause)) from cause
        if not octets:
            raise BrokenConversationError("the relay closed the connection")
        try:
            replies = self._replies.feed(octets)
        except ValueError as cause:
            raise BrokenConversationError(str(cause)) from cause
        for reply in replies:
            self._handle(reply, source)
        if replies:
            self._set_deadline()

    def hand_over(self, source: MessageSource) -> None:
        """Send the content of the ready message, which has begun by now, and the next envelope."""
        message, self.ready = self.ready, None
        assert message is not None
        if not self._replies.empty or self._awaited:
            raise BrokenConversationError("the relay replied out of turn")
        content, self._encoded = self._encoded, b""
        self._begun, self._unsent_content = message, len(content)
        self._awaited.append((Step.END, message))
        self.remaining -= 1
        envelope = b""
        if self._pipelining and self.remaining > 0 and (following := self._next_message(source)):
            envelope = self._offer(following)
        self._send(content + envelope if envelope else content)

    def write(self) -> None:
        """Continue to send what the socket did not accept; raises BrokenConversationError."""
        self._send(b"")

    def is_overdue(self, now: float) -> bool:
        """Return whether the relay took longer than RFC 5321 allows."""
        return bool(self._awaited) and now > self.deadline

    def abandon(self, source: MessageSource, reason: str) -> None:
        """Close the connection without QUIT, and report every message that has no reply."""
        with suppress(OSError):
            self.socket.close()
        begun, self._begun = self._begun, None
        if begun is not None:
            if self._unsent_content:
                source.return_unsent(begun)  # no relay accepts a message without its end
            else:
                source.mark_uncertain(begun, reason)
        unreported = {id(message): message for _, message in self._awaited if message is not begun}
        unreported |= {id(message): message for _, message, _ in self._pending}
        if self.ready is not None:
            unreported[id(self.ready)] = self.ready
        for message in unreported.values():
            if message is not _NOBODY:
                source.return_unsent(message)
        self._awaited.clear()
        self._pending.clear()
        self.ready, self.idle = None, True

    def quit(self) -> None:
        """Send QUIT and close the connection without waiting for the reply."""
        with suppress(OSError):
            self.socket.settimeout(1)
            self.socket.sendall(b"QUIT\r\n")
        with suppress(OSError):
            self.socket.close()

    # --- replies -------------------------------------------------------------------------

    def _handle(self, reply: Reply, source: MessageSource) -> None:
        if not self._awaited:
            raise BrokenConversationError(f"unexpected: {reply.code} {reply.text}", reply)
        step, message = self._awaited[0]
        if reply.code == 421:  # RFC 5321 §3.8: the relay closes the connection, accepting nothing
            self._begun = None if step is Step.END else self._begun
            raise BrokenConversationError(f"sent away: {reply.code} {reply.text}", reply)
        if not can_answer(reply.code, step):
            raise BrokenConversationError(
                f"not a reply to {step.name}: {reply.code} {reply.text}", reply
            )
        self._awaited.popleft()
        if step is Step.MAIL:
            self._handle_mail(reply)
        elif step is Step.RCPT:
            self._note_refusal(reply)
        elif step is Step.DATA:
            self._handle_data(reply, message, source)
        elif step is Step.END:
            self._begun = None
            self._record(message, reply, source)
        self._proceed(source)

    def _handle_mail(self, reply: Reply) -> None:
        self._note_refusal(reply)
        # RFC 1870 §6.1: 552 says that this message is too big; any other refusal is of our sender.
        if not reply.accepted and reply.code != 552:
            self._refusal = _REFUSES_US
            self.on_refusal(f"refuses our sender: {reply.code} {reply.text}", reply)

    def _handle_data(self, reply: Reply, message: OutgoingMessage, source: MessageSource) -> None:
        """Make the message ready, or report its refusal.

        A 354 after a refusal gets an empty message to nobody, because nothing else could end it
        (RFC 2920 §3.1).
        """
        refusal, self._refusal = self._refusal, None
        if reply.code == 354 and refusal is None:
            self.ready = message
            return
        self._reset_first = True
        if reply.code == 354:
            self._awaited.append((Step.EMPTY, _NOBODY))
            self._send(b".\r\n")
        self._report_refusal(message, refusal or reply, source)

    def _note_refusal(self, reply: Reply) -> None:
        """Store the first refusal of an envelope."""
        if not reply.accepted and self._refusal is None:
            self._refusal = reply

    def _report_refusal(
        self, message: OutgoingMessage, refusal: Reply, source: MessageSource
    ) -> None:
        if refusal is _REFUSES_US:
            source.return_unsent(message)
        else:
            self._record(message, refusal, source)

    def _record(self, message: OutgoingMessage, reply: Reply, source: MessageSource) -> None:
        self.answered += 1
        source.record_reply(message, reply)

    def _proceed(self, source: MessageSource) -> None:
        """Send what can be sent now."""
        if self._pending:
            self._send_pending(source)
        if not self._awaited and not self._pending and self.ready is None:
            self.start(source)

    def _send_pending(self, source: MessageSource) -> None:
        """Send the next command once all others are answered, unless one of them was refused."""
        if self._awaited:
            return
        step, message, command = self._pending[0]
        if self._refusal is not None and step in {Step.RCPT, Step.DATA}:
            refusal, self._refusal = self._refusal, None
            while self._pending and self._pending[0][1] is message:
                self._pending.popleft()
            self._reset_first = True
            self._report_refusal(message, refusal, source)
            return
        self._pending.popleft()
        if step is Step.DATA and self._chunking:
            self.ready = message
            return
        self._awaited.append((step, message))
        self._send(command)

    # --- commands and content ------------------------------------------------------------

    def _next_message(self, source: MessageSource) -> OutgoingMessage | None:
        """Return the next message that this relay can accept at all, with its octets encoded."""
        while self.remaining > 0 and (message := source.next_message()) is not None:
            refusal = self._encode(message)
            if refusal is None:
                return message
            self._report_refusal(message, refusal, source)
        return None

    def _encode(self, message: OutgoingMessage) -> Reply | None:
        """Encode the content, or return why this relay cannot accept the message."""
        try:
            self._encoded = self._encoded_content(message)
        except ValueError as problem:
            return Reply(554, f"5.6.0 Not sent: {problem}.")
        envelope, max_size = message.envelope, self.session.max_size
        if max_size and len(message.content) > max_size:
            return Reply(552, f"5.3.4 The relay takes {max_size} octets at most.")
        if "smtputf8" in self.session.extensions:
            return None
        if not envelope.sender.isascii():
            self.on_refusal("has no SMTPUTF8, which our sender needs", None)
            return _REFUSES_US
        if not envelope.recipient.isascii():
            return Reply(553, "5.6.7 The relay has no SMTPUTF8, which this address needs.")
        return None

    def _encoded_content(self, message: OutgoingMessage) -> bytes:
        content = message.content
        if self._chunking:
            if not message.smtp_safe:
                wire.check_line_ends(content)
            return b"BDAT %d LAST\r\n%b" % (len(content), content)
        return wire.terminated(content) if message.smtp_safe else wire.dot_stuffed(content)

    def _offer(self, message: OutgoingMessage) -> bytes:
        """Return the commands of a message's envelope that can be sent now; store the others."""
        content, extensions = message.content, self.session.extensions
        mail = wire.mail_command(
            message.envelope, len(content), ascii_body=content.isascii(), extensions=extensions
        )
        commands = [
            (Step.MAIL, message, mail),
            (Step.RCPT, message, wire.rcpt_command(message.envelope, extensions)),
            (Step.DATA, message, b"DATA\r\n"),
        ]
        if self._reset_first:
            commands.insert(0, (Step.RSET, _NOBODY, b"RSET\r\n"))
            self._reset_first = False
        count = len(commands) if self._pipelining else 1
        if self._pipelining and self._chunking:
            count -= 1  # no DATA with CHUNKING: the content itself follows the reply to RCPT
        self._pending.extend(commands[count:])
        self._awaited.extend((step, message) for step, message, _ in commands[:count])
        return b"".join([command for _, _, command in commands[:count]])

    def _send(self, octets: bytes) -> None:
        """Send octets, and store what the socket does not accept."""
        if octets:
            rest = self._unsent
            self._unsent = memoryview(bytes(rest) + octets) if rest else memoryview(octets)
            self._set_deadline()
        try:
            while self._unsent:
                count = self.socket.send(self._unsent)
                self._unsent = self._unsent[count:]
                self._unsent_content = max(0, self._unsent_content - count)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError as cause:
            raise BrokenConversationError(str(cause)) from cause
        self.wants_write = bool(self._unsent)

    def _set_deadline(self) -> None:
        final = bool(self._awaited) and self._awaited[0][0] is Step.END
        self.deadline = time.monotonic() + (FINAL_SECONDS if final else COMMAND_SECONDS)
