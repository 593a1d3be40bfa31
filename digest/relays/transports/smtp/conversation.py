"""One session's conversation: replies in, commands and messages out. Never blocks.

    offer         MAIL, RCPT, DATA in one go with PIPELINING (RFC 2920), else one by one
    354           the message is `ready`, and the loop records that it begins
    send_content  the content, with the next message's envelope right behind the final dot
    prepare_next  the message behind that one, while the relay works
    250           the message is done; the reply to the next DATA comes with it

So a message costs one round trip. With CHUNKING (RFC 3030) the content is one BDAT, its length in
front and without dot stuffing; the message is ready as soon as RCPT is accepted.

A refusal of MAIL concerns us, and so does 421 at any moment: the message is returned unsent. A
reply to RCPT, DATA or the content concerns that recipient alone.
"""

import time
from collections import deque
from contextlib import suppress

from digest.relays.transports.base import Envelope, OutgoingMessage, Reply
from digest.relays.transports.smtp import wire
from digest.relays.transports.smtp.errors import BrokenConversationError, SentAwayError
from digest.relays.transports.smtp.reply_stream import ReplyStream
from digest.relays.transports.smtp.round import Round
from digest.relays.transports.smtp.session import Session
from digest.relays.transports.smtp.steps import Step, can_answer
from digest.relays.transports.smtp.writer import Writer

COMMAND_SECONDS = 300  # RFC 5321 §4.5.3.2.2, .3: for a whole reply, however slowly it arrives
FINAL_SECONDS = 600  # RFC 5321 §4.5.3.2.6

_NO_MESSAGE = OutgoingMessage(0, Envelope("", ""), b"")  # among awaited replies
_REFUSES_US = Reply(0, "")  # stands for a refusal that does not depend on the recipient


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
        self.closed = False
        self.deadline = 0.0
        self._can = session.capabilities
        self._writer = Writer(session.socket)
        self._stream = ReplyStream(session.socket)
        self._awaited: deque[tuple[Step, OutgoingMessage]] = deque()
        # Commands that have to wait for a reply, without PIPELINING
        self._pending: deque[tuple[Step, OutgoingMessage, bytes]] = deque()
        self._end = 0  # of the begun message, as a count of the writer's octets
        self._encoded = b""  # content of the last message from the source, as it goes over the wire
        self._content = b""  # content of the one that is offered or ready
        self._following: OutgoingMessage | None = None  # whose envelope follows that one
        self._begun: OutgoingMessage | None = None
        self._refusal: Reply | None = None
        self._reset_first = False

    @property
    def wants_write(self) -> bool:
        """Octets wait until the socket accepts more."""
        return self._writer.is_blocked

    @property
    def busy(self) -> bool:
        """A reply is awaited, or a message is waiting."""
        return bool(self._awaited or self._pending or self.ready)

    # --- called by the loop --------------------------------------------------------------

    def start(self, round_: Round) -> None:
        """Offer the next message, if there is one."""
        message, self._following = self._following, None
        if message is None:
            message = self._next_message(round_)
        elif self.remaining <= 0:  # the relay has refused us since
            round_.return_unsent(message)
            message = None
        self.idle = message is None
        if message is not None:
            self._content, self._encoded = self._encoded, b""
            self._send(self._offer(message))
            self.prepare_next(round_)

    def read(self, round_: Round) -> None:
        """Handle the replies that have arrived; raises BrokenConversationError."""
        replies = self._stream.read()
        for code, text in replies:
            self._handle(code, text, round_)
        if self._stream.problem:
            raise BrokenConversationError(self._stream.problem)
        if replies:
            self._proceed(round_)
            self._set_deadline()

    def prepare_next(self, round_: Round) -> None:
        """Get the message that follows the offered one, while the relay works.

        Never between the record that one begins and its content: the source may wait for a while.
        """
        if self._following is None and self._can.pipelining and self.remaining > 1:
            self._following = self._next_message(round_)

    def send_content(self, round_: Round) -> None:
        """Send the content of the ready message, which has begun by now, and the next envelope."""
        if not self._stream.is_between_replies or self._awaited:
            raise BrokenConversationError("the relay replied out of turn")
        message, self.ready = self.ready, None
        assert message is not None
        content, self._content, self._encoded = self._content, self._encoded, b""
        following = b"" if self._can.chunking else wire.final_dot(content)
        self._begun = message
        self._end = self._writer.queued + len(content) + len(following)
        self._awaited.append((Step.END, message))
        self.remaining -= 1
        after, self._following = self._following, None
        if after is not None and self.remaining > 0:
            following += self._offer(after)
        elif after is not None:  # the relay has refused us since
            round_.return_unsent(after)
        self._send(content, following)

    def write(self) -> None:
        """Continue to send what the socket did not accept; raises BrokenConversationError."""
        try:
            self._writer.send_waiting()
        except OSError as cause:
            raise BrokenConversationError(str(cause)) from cause

    def is_overdue(self, now: float) -> bool:
        """Return whether the relay took longer than RFC 5321 allows."""
        return bool(self._awaited) and now > self.deadline

    def abandon(self, round_: Round, reason: str) -> None:
        """Close the connection without QUIT, and report every message that has no reply."""
        self.closed = True
        with suppress(OSError):
            self.socket.close()
        begun, self._begun = self._begun, None
        if begun is not None:
            if self._writer.accepted >= self._end:
                round_.mark_uncertain(begun, reason)
            else:
                round_.return_unsent(begun)  # no relay accepts a message without its end
        offered = [message for _, message in self._awaited]
        offered += [message for _, message, _ in self._pending]
        if self._following is not None:
            round_.keep(self._following)
        unreported = {id(message): message for message in (*offered, self.ready)}
        for message in unreported.values():
            if not (message is None or message is begun or message is _NO_MESSAGE):
                round_.return_unsent(message)
        self._awaited.clear()
        self._pending.clear()
        self.ready, self._following, self.idle = None, None, True

    def quit(self) -> None:
        """Send QUIT and close the connection without waiting for the reply."""
        self.closed = True
        with suppress(OSError):
            self.socket.settimeout(1)
            self.socket.sendall(b"QUIT\r\n")
        with suppress(OSError):
            self.socket.close()

    # --- replies -------------------------------------------------------------------------

    def _handle(self, code: int, text: bytes, round_: Round) -> None:
        if not self._awaited:
            reply = wire.reply_of(code, text)
            raise BrokenConversationError(f"unexpected: {code} {reply.text}", reply)
        step, message = self._awaited[0]
        # Three of four replies say that the envelope goes on; nobody reads their text.
        if 200 <= code < 300 and (step is Step.RCPT or step is Step.MAIL):
            self._awaited.popleft()
            return
        if code == 354 and step is Step.DATA and self._refusal is None:
            self._awaited.popleft()
            self.ready = message
            return
        reply = wire.reply_of(code, text)
        self._require_answer(step, reply)
        self._awaited.popleft()
        if step is Step.DATA:
            self._handle_data(reply, message, round_)
        elif step is Step.END:
            self._begun = None
            self._report(message, reply, round_)
        elif step is Step.MAIL:
            self._refuse_sender(reply, round_)
        elif step is Step.RCPT and self._refusal is None:
            self._refusal = reply

    def _require_answer(self, step: Step, reply: Reply) -> None:
        """Raise BrokenConversationError for a reply that is not one to this step."""
        problem = f"{reply.code} {reply.text}"
        if reply.code == 421:  # RFC 5321 §3.8: the relay closes the connection, accepting nothing
            self._begun = None if step is Step.END else self._begun
            # Between two messages it may mean "enough over this connection, connect again".
            is_between = bool(self.answered) and step in {Step.MAIL, Step.RSET}
            error = BrokenConversationError if is_between else SentAwayError
            raise error(f"sent away: {problem}", reply)
        if not can_answer(reply.code, step):
            raise BrokenConversationError(f"not a reply to {step.name}: {problem}", reply)

    def _refuse_sender(self, reply: Reply, round_: Round) -> None:
        """Note that MAIL was refused; 552 concerns this message alone (RFC 1870 §6.1)."""
        if reply.code == 552:
            self._refusal = self._refusal or reply
        else:
            self._refusal = _REFUSES_US
            round_.refuse_all(f"refuses our sender: {reply.code} {reply.text}", reply)

    def _handle_data(self, reply: Reply, message: OutgoingMessage, round_: Round) -> None:
        """Report a refusal; a 354 after it gets an empty message to nobody (RFC 2920 §3.1)."""
        refusal, self._refusal = self._refusal, None
        self._reset_first = True
        self._report_refusal(message, refusal or reply, round_)
        if reply.code == 354:  # the reply is recorded even if this cannot be sent any more
            self._awaited.append((Step.EMPTY, _NO_MESSAGE))
            self._send(b".\r\n")

    def _report_refusal(self, message: OutgoingMessage, refusal: Reply, round_: Round) -> None:
        if refusal is _REFUSES_US:
            round_.return_unsent(message)
        else:
            self._report(message, refusal, round_)

    def _report(self, message: OutgoingMessage, reply: Reply, round_: Round) -> None:
        self.answered += 1
        round_.report(message, reply)

    def _proceed(self, round_: Round) -> None:
        """Send what can be sent now."""
        if self._awaited or self.ready is not None:
            return
        if self._pending:
            self._send_pending(round_)
        if not self._awaited and not self._pending and self.ready is None:
            self.start(round_)

    def _send_pending(self, round_: Round) -> None:
        """Send the next command, unless the envelope before it was refused."""
        step, message, command = self._pending[0]
        if self._refusal is not None and step in {Step.RCPT, Step.DATA}:
            refusal, self._refusal = self._refusal, None
            while self._pending and self._pending[0][1] is message:
                self._pending.popleft()
            self._reset_first = True
            self._report_refusal(message, refusal, round_)
            return
        self._pending.popleft()
        if step is Step.DATA and self._can.chunking:
            self.ready = message
            return
        self._awaited.append((step, message))
        self._send(command)

    # --- commands and content ------------------------------------------------------------

    def _next_message(self, round_: Round) -> OutgoingMessage | None:
        """Return the next message that this relay can accept at all, with its octets encoded."""
        while self.remaining > 0 and (message := round_.next_message()) is not None:
            refusal = self._encode(message, round_)
            if refusal is None:
                return message
            self._report_refusal(message, refusal, round_)
        return None

    def _encode(self, message: OutgoingMessage, round_: Round) -> Reply | None:
        """Encode the content, or return why this relay cannot accept the message."""
        try:
            self._encoded = self._can.encode(message)
        except ValueError as problem:
            return Reply(554, f"5.6.0 Not sent: {problem}.")
        if not (self._can.smtputf8 or message.envelope.sender.isascii()):
            round_.refuse_all("has no SMTPUTF8, which our sender needs", None)
            return _REFUSES_US
        return self._can.refusal_of(message)

    def _offer(self, message: OutgoingMessage) -> bytes:
        """Return the commands of a message's envelope that can be sent now; store the others."""
        mail, rcpt = self._can.mail_command(message), self._can.rcpt_command(message.envelope)
        if self._can.pipelining and not self._can.chunking and not self._reset_first:
            self._awaited += ((Step.MAIL, message), (Step.RCPT, message), (Step.DATA, message))
            return b"%b%bDATA\r\n" % (mail, rcpt)  # nearly always
        commands = [(Step.MAIL, message, mail), (Step.RCPT, message, rcpt)]
        commands.append((Step.DATA, message, b"DATA\r\n"))
        if self._reset_first:
            commands.insert(0, (Step.RSET, _NO_MESSAGE, b"RSET\r\n"))
            self._reset_first = False
        count = len(commands) if self._can.pipelining else 1
        if self._can.pipelining and self._can.chunking:
            count -= 1  # no DATA with CHUNKING: the content itself follows the reply to RCPT
        self._pending.extend(commands[count:])
        self._awaited.extend((step, message) for step, message, _ in commands[:count])
        return b"".join([command for _, _, command in commands[:count]])

    def _send(self, octets: bytes, following: bytes = b"") -> None:
        self._set_deadline()
        try:
            self._writer.send(octets, following)
        except OSError as cause:
            raise BrokenConversationError(str(cause)) from cause

    def _set_deadline(self) -> None:
        final = bool(self._awaited) and self._awaited[0][0] is Step.END
        self.deadline = time.monotonic() + (FINAL_SECONDS if final else COMMAND_SECONDS)
