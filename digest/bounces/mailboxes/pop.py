"""A mailbox by POP (RFC 1939)."""

import poplib
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from digest.bounces.mailboxes.address import MailboxAddress
from digest.bounces.mailboxes.errors import MailboxError, UnreadableMessageError
from digest.bounces.mailboxes.sessions import ANSWER_SECONDS, explain, tls_context
from digest.bounces.reading.structure import LARGEST_MAIL

Answer = TypeVar("Answer")
LINES = LARGEST_MAIL // 76  # as long as those of Base64 (RFC 2045)
_FAILURES = (poplib.error_proto, OSError, EOFError)


class PopSession:
    """Implements `sessions.Session`; a key is what UIDL says, which stays the same."""

    def __init__(self, address: MailboxAddress) -> None:
        self.address = address
        self._numbers: dict[str, int] = {}
        self._is_lost = False  # in the middle of an answer
        self._pop = self._attempt(self._connect)
        try:
            self._attempt(self._sign_in)
        except BaseException:
            self.abort()
            raise

    def keys(self) -> list[str]:
        """Return the keys of all messages."""
        _, lines, _ = self._attempt(self._pop.uidl)
        pairs = [line.decode("ascii", "replace").split(" ", 1) for line in lines]
        self._numbers = {pair[1]: int(pair[0]) for pair in pairs if len(pair) == 2}
        return list(self._numbers)

    def fetch(self, key: str) -> bytes:
        """Return a message up to LARGEST_MAIL octets; the library refuses lines beyond 2,048."""
        number = self._number(key)
        try:
            _, lines, _ = self._pop.top(number, LINES)
        except poplib.error_proto as problem:
            self._is_lost = True
            raise UnreadableMessageError(f"Message {key}: {problem}") from problem
        except _FAILURES as problem:
            raise explain(problem, self.address) from problem
        return b"\r\n".join(lines)[:LARGEST_MAIL]

    def clear(self, key: str) -> None:
        """Delete a message when the session is closed."""
        number = self._number(key)
        self._attempt(lambda: self._pop.dele(number))

    def close(self) -> None:
        """Sign out, which deletes what was cleared."""
        if self._is_lost:
            self.abort()
        else:
            self._attempt(self._pop.quit)

    def abort(self) -> None:
        """Hang up: nothing is deleted."""
        with suppress(*_FAILURES):
            self._pop.close()

    def _connect(self) -> poplib.POP3:
        place = (self.address.host, self.address.port)
        if self.address.tls:
            return poplib.POP3_SSL(*place, context=tls_context(), timeout=ANSWER_SECONDS)
        pop = poplib.POP3(*place, timeout=ANSWER_SECONDS)
        if self.address.starttls:
            pop.stls(tls_context())
        return pop

    def _sign_in(self) -> None:
        self._pop.user(self.address.user)
        self._pop.pass_(self.address.password)

    def _number(self, key: str) -> int:
        if key not in self._numbers:
            raise MailboxError(f"The server has no message {key}.")
        return self._numbers[key]

    def _attempt(self, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except _FAILURES as problem:
            raise explain(problem, self.address) from problem
