"""All conversations with one relay, in one thread.

    the first connection opens > others follow while they are needed, each set up in its own thread
    replies make messages ready > a round ends: all replies are recorded, and all that is ready
    begins together > handed over at once > what follows is prepared while the relay works

A connection that breaks is replaced if something is left to deliver, unless too many in a row broke
without a reply: then the relay is down. So it is when it sends us away (421), or when no connection
is left. A relay that allows fewer connections than we want gets those, and is asked for another one
now and then.
"""

import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Self

from digest.relays.errors import RelayDownError
from digest.relays.transports.base import MessageSource, Reply
from digest.relays.transports.smtp.address import RelayAddress
from digest.relays.transports.smtp.conversation import Conversation
from digest.relays.transports.smtp.errors import BrokenConversationError, SentAwayError
from digest.relays.transports.smtp.round import Round
from digest.relays.transports.smtp.session import Session, connect

TICK_SECONDS = 0.5  # between two checks of the deadlines
BREAKS_IN_A_ROW = 5  # or twice the connections: broken without a reply in between, for "down"
REOPEN_SECONDS = 5.0  # until a connection that could not be opened is tried again

Opening = Future[Session]


class DeliveryLoop:
    """One delivery of all that a source has."""

    def __init__(
        self,
        address: RelayAddress,
        conversations: list[Conversation],
        source: MessageSource,
        connections: int,
    ) -> None:
        self.address = address
        self.conversations = conversations  # the transport's: they outlive this loop
        self.source = source
        self.connections = connections
        self.failure: RelayDownError | None = None  # once set, nothing more is offered
        self._round = Round(source, self._refuse_all)
        self._breakage: RelayDownError | None = None  # the last one
        self._closed = 0  # connections that broke or withheld a message, and are not replaced yet
        self._breaks = 0  # of connections in a row, without a reply to a message in between
        self._answered_at_break = 0
        self._reopen_at = 0.0  # time.monotonic(), if a connection could not be opened
        self._selector = selectors.DefaultSelector()
        self._watched: dict[Conversation, int] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._opening: set[Opening] = set()
        self._opened: list[Opening] = []
        self._wakeup, self._waker = socket.socketpair()  # for connections that other threads open
        self._wakeup.settimeout(0)

    def __enter__(self) -> Self:
        self._selector.register(self._wakeup, selectors.EVENT_READ, None)
        return self

    def __exit__(self, *_: object) -> None:
        for conversation in list(self.conversations):
            if not conversation.idle:  # only after an error of our own
                self._drop(conversation, "interrupted")
        self._round.return_kept()
        self._round.end([])
        for opening in self._opening:
            opening.add_done_callback(_close_opened)
        if self._threads:
            self._threads.shutdown(wait=False, cancel_futures=True)
        self._selector.close()
        self._wakeup.close()
        self._waker.close()

    def run(self) -> None:
        """Deliver until the source has no more; raises RelayDownError."""
        if not self.conversations:
            self._begin_conversation(connect(self.address))
        else:
            for conversation in list(self.conversations):
                self._run_guarded(conversation, conversation.start)
                self._watch(conversation)
        self._replace_closed()
        if any(not conversation.idle for conversation in self.conversations):
            self._open_missing()
        checked_at = time.monotonic()
        while self._is_unfinished():
            for key, events in self._selector.select(TICK_SECONDS):
                self._serve(key.data, events)
            self._end_round()
            if time.monotonic() - checked_at > TICK_SECONDS:
                checked_at = time.monotonic()
                self._tick(checked_at)
        self._round.return_kept()
        self._round.end([])
        # Without any reply the source must not be used up by connections that break.
        failure = self.failure or (None if self._round.answered else self._breakage)
        if failure:
            raise failure

    def _is_unfinished(self) -> bool:
        if self._opening and not self.conversations:
            return True
        # Asked in every round; the first one is rarely idle.
        for conversation in self.conversations:  # noqa: SIM110
            if not conversation.idle:
                return True
        return False

    def _serve(self, conversation: Conversation | None, events: int) -> None:
        """Do what a socket is ready for; None: other threads have opened connections."""
        if conversation is None:
            self._use_opened()
            return
        if events & selectors.EVENT_WRITE:
            self._run_guarded(conversation, lambda _: conversation.write())
        if events & selectors.EVENT_READ:
            self._run_guarded(conversation, conversation.read)
        if conversation.wants_write or events & selectors.EVENT_WRITE:
            self._watch(conversation)

    def _end_round(self) -> None:
        """Record the replies, and that all ready messages begin; then send these.

        Nothing waits between the two, neither for a database nor for a lock. The relay has work
        while the next messages are composed.
        """
        ready = [item for item in self.conversations if item.ready is not None]
        allowed = self._round.end([item.ready for item in ready if item.ready is not None])
        for conversation in ready:
            if conversation.ready is None or conversation.ready.key not in allowed:
                # After a 354 only closing the connection withholds a message.
                self._drop(conversation, "withheld")
                self._closed += 1
                continue
            self._run_guarded(conversation, conversation.send_content)
            if conversation.wants_write:
                self._watch(conversation)
        for conversation in ready:
            self._run_guarded(conversation, conversation.prepare_next)
        self._replace_closed()
        if self.failure:
            self._round.return_kept()  # nobody takes it, and another relay may send it

    def _run_guarded(self, conversation: Conversation, step: Callable[[Round], None]) -> None:
        """Run a step of a conversation; replace the connection if it breaks or is used up."""
        if conversation.closed:
            return
        try:
            step(self._round)
        except BrokenConversationError as problem:
            failure = RelayDownError(
                f"The connection to {self.address.host} broke: {problem}", reply=problem.reply
            )
            if isinstance(problem, SentAwayError):
                self._stop(failure)
            self._handle_break(conversation, failure)
        else:
            if conversation.remaining <= 0 and not conversation.busy:
                self._drop(conversation, "", politely=True)
                self._renew()

    def _handle_break(self, conversation: Conversation, failure: RelayDownError) -> None:
        """Replace a broken connection; a relay that only breaks them is down.

        One that never replied to a message gets as many as are open, before more is uncertain.
        """
        self._drop(conversation, str(failure))
        if self._round.answered > self._answered_at_break:
            self._breaks, self._answered_at_break = 0, self._round.answered
        self._breaks += 1
        self._breakage = failure
        most = max(BREAKS_IN_A_ROW, 2 * self.connections) if self._round.answered else 1
        if self._breaks < most or conversation.answered:
            self._closed += 1
        elif self._round.answered or not (self.conversations or self._opening):
            self._stop(failure)

    def _drop(self, conversation: Conversation, reason: str, *, politely: bool = False) -> None:
        if conversation in self._watched:
            self._selector.unregister(conversation.socket)
            del self._watched[conversation]
        self.conversations.remove(conversation)
        if politely:
            conversation.quit()
        else:
            conversation.abandon(self._round, reason)

    def _watch(self, conversation: Conversation) -> None:
        """Let the selector wait for what the conversation needs."""
        if conversation.closed:
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if conversation.wants_write else 0)
        watched = self._watched.get(conversation)
        if watched is None:
            self._selector.register(conversation.socket, events, conversation)
        elif watched != events:
            self._selector.modify(conversation.socket, events, conversation)
        self._watched[conversation] = events

    def _refuse_all(self, problem: str, reply: Reply | None) -> None:
        """Offer nothing more: the relay would refuse every message."""
        self._stop(RelayDownError(f"{self.address.host} {problem}", reply=reply))

    def _stop(self, failure: RelayDownError) -> None:
        self.failure = self.failure or failure
        for conversation in self.conversations:
            conversation.remaining = 0
        self.source.stop()

    def _tick(self, now: float) -> None:
        for conversation in list(self.conversations):
            if conversation.is_overdue(now):
                failure = RelayDownError(f"{self.address.host} took too long to answer.")
                self._handle_break(conversation, failure)
        if self._reopen_at and now > self._reopen_at:
            self._reopen_at = 0.0
            self._open_missing(1)
        self._replace_closed()
        self._round.end([])
        self.source.tick()

    # --- opening connections -------------------------------------------------------------

    def _begin_conversation(self, session: Session) -> None:
        conversation = Conversation(session, 0 if self.failure else self.address.messages)
        self.conversations.append(conversation)
        self._run_guarded(conversation, conversation.start)
        self._watch(conversation)

    def _open_missing(self, most: int = 1_000) -> None:
        """Open connections, if fewer are open than we want."""
        missing = self.connections - len(self.conversations) - len(self._opening)
        for _ in range(min(missing, most)):
            self._open()

    def _replace_closed(self) -> None:
        """Open connections in place of those that were closed, once all that began has left."""
        while self._closed:
            self._closed -= 1
            self._renew()

    def _renew(self) -> None:
        """Open a connection in place of one that is closed, if there is something to deliver."""
        message = None if self.failure else self._round.next_message()
        if message is not None:
            self._round.keep(message)
            self._open()

    def _open(self) -> None:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.connections, "smtp-connect")
        opening = self._threads.submit(connect, self.address)
        self._opening.add(opening)
        opening.add_done_callback(self._wake)

    def _wake(self, opening: Opening) -> None:
        """Tell the loop, from the thread of a connection, that it is open or has failed."""
        self._opened.append(opening)
        with suppress(OSError):
            self._waker.send(b".")

    def _use_opened(self) -> None:
        with suppress(BlockingIOError):
            self._wakeup.recv(1_000)
        while self._opened:
            opening = self._opened.pop()
            self._opening.discard(opening)
            try:
                session = opening.result()
            except RelayDownError as problem:
                self._reopen_at = time.monotonic() + REOPEN_SECONDS
                if not self.conversations and not self._opening:
                    self.failure = self.failure or problem
            else:
                self._begin_conversation(session)


def _close_opened(opening: Opening) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().socket.close()
