"""All conversations with one relay, in one thread.

    the first connection opens > others follow while they are needed, each set up in its own thread
    replies make messages ready > all that became ready in a round begin together > handed over

A connection that breaks is opened again if it got any reply to a message. A connection that cannot
be opened is given up. When none is left, the relay is down.
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
from digest.relays.transports.smtp.conversation import BrokenConversationError, Conversation
from digest.relays.transports.smtp.session import Session, connect

TICK_SECONDS = 0.5  # between two checks of the deadlines

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
        self._breakage: RelayDownError | None = None  # of a connection that got no reply
        self._answered = 0  # messages, by connections that are closed
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
                self._run_guarded(conversation, conversation.start, self.source)
                self._watch(conversation)
        self._open_others()
        checked_at = time.monotonic()
        while self._is_unfinished():
            for key, events in self._selector.select(TICK_SECONDS):
                self._serve(key.data, events)
            self._hand_over_ready()
            if time.monotonic() - checked_at > TICK_SECONDS:
                checked_at = time.monotonic()
                self._check_deadlines(checked_at)
                self.source.tick()
        # Stop using a relay that breaks connections and never replies, before more is uncertain.
        if self._breakage and not self._count_answered():
            self.failure = self.failure or self._breakage
        if self.failure:
            raise self.failure

    def _is_unfinished(self) -> bool:
        if self._opening and not self.conversations:
            return True
        return any(not conversation.idle for conversation in self.conversations)

    def _count_answered(self) -> int:
        return self._answered + sum(conversation.answered for conversation in self.conversations)

    def _serve(self, conversation: Conversation | None, events: int) -> None:
        """Do what a socket is ready for; None: other threads have opened connections."""
        if conversation is None:
            self._use_opened()
            return
        if events & selectors.EVENT_WRITE:
            self._run_guarded(conversation, conversation.write)
            self._watch(conversation)
        if events & selectors.EVENT_READ:
            self._run_guarded(conversation, conversation.read, self.source)

    def _hand_over_ready(self) -> None:
        """Record that all ready messages begin, then send them."""
        ready = [(item, item.ready) for item in self.conversations if item.ready is not None]
        if not ready:
            return
        allowed = self.source.begin([message for _, message in ready])
        for conversation, _ in ready:
            if conversation.ready is not None and conversation.ready.key in allowed:
                self._run_guarded(conversation, conversation.hand_over, self.source)
                self._watch(conversation)
            else:  # after a 354 only closing the connection withholds a message
                self._drop(conversation, "withheld")
                self._replace(conversation, RelayDownError("withheld"))

    def _run_guarded(
        self, conversation: Conversation, step: Callable[..., None], *arguments: object
    ) -> None:
        """Run a step of a conversation; replace the connection if it breaks or is used up."""
        if conversation not in self.conversations:
            return
        try:
            step(*arguments)
        except BrokenConversationError as problem:
            failure = RelayDownError(
                f"The connection to {self.address.host} broke: {problem}", reply=problem.reply
            )
            self._drop(conversation, str(failure))
            self._replace(conversation, failure)
        else:
            if conversation.remaining <= 0 and not conversation.busy:
                self._drop(conversation, "", politely=True)
                self._replace(conversation, None)

    def _replace(self, conversation: Conversation, failure: RelayDownError | None) -> None:
        """Open another connection in place of one that got replies; otherwise note its failure."""
        if self.failure:
            return
        self._answered += conversation.answered
        if conversation.answered:
            self._open()
            return
        self._breakage = failure
        if not self.conversations and not self._opening:
            self.failure = failure

    def _drop(self, conversation: Conversation, reason: str, *, politely: bool = False) -> None:
        if conversation in self._watched:
            self._selector.unregister(conversation.socket)
            del self._watched[conversation]
        self.conversations.remove(conversation)
        if politely:
            conversation.quit()
        else:
            conversation.abandon(self.source, reason)

    def _watch(self, conversation: Conversation) -> None:
        """Let the selector wait for what the conversation needs."""
        if conversation not in self.conversations:
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if conversation.wants_write else 0)
        watched = self._watched.get(conversation)
        if watched is None:
            self._selector.register(conversation.socket, events, conversation)
        elif watched != events:
            self._selector.modify(conversation.socket, events, conversation)
        self._watched[conversation] = events

    def _stop(self, problem: str, reply: Reply | None) -> None:
        """Offer nothing more: the relay would refuse every message."""
        self.failure = self.failure or RelayDownError(f"{self.address.host} {problem}", reply=reply)
        for conversation in self.conversations:
            conversation.remaining = 0

    def _check_deadlines(self, now: float) -> None:
        for conversation in list(self.conversations):
            if conversation.is_overdue(now):
                failure = RelayDownError(f"{self.address.host} took too long to answer.")
                self._drop(conversation, str(failure))
                self._replace(conversation, failure)

    # --- opening connections -------------------------------------------------------------

    def _begin_conversation(self, session: Session) -> None:
        conversation = Conversation(session, self.address.messages)
        conversation.on_refusal = self._stop
        self.conversations.append(conversation)
        self._run_guarded(conversation, conversation.start, self.source)
        self._watch(conversation)

    def _open_others(self) -> None:
        """Open the other connections, if the first one has a message to deliver."""
        if any(not conversation.idle for conversation in self.conversations):
            for _ in range(self.connections - len(self.conversations) - len(self._opening)):
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
                if not self.conversations and not self._opening:
                    self.failure = self.failure or problem
            else:
                self._begin_conversation(session)


def _close_opened(opening: Opening) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().socket.close()
