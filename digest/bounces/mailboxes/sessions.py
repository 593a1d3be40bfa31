"""A session with a mailbox, whichever protocol it speaks."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from digest.bounces.mailboxes.address import MailboxAddress
from digest.bounces.mailboxes.errors import MailboxError

ANSWER_SECONDS = 30.0  # to wait for a server's next bytes


class Session(Protocol):
    """What polling needs of a mailbox. Each method raises MailboxError."""

    def keys(self) -> list[str]:
        """Return what identifies each message for ever, oldest first."""

    def fetch(self, key: str) -> bytes:
        """Return a message, at least the beginning that reports are read from.

        Raises UnreadableMessageError where only this message cannot be fetched.
        """

    def clear(self, key: str) -> None:
        """Delete or move a message; with POP it happens when the session is closed."""

    def close(self) -> None:
        """Sign out."""


@contextmanager
def open_session(address: MailboxAddress) -> Iterator[Session]:
    """Sign in to a mailbox and sign out again; raises MailboxError."""
    from digest.bounces.mailboxes.imap import ImapSession
    from digest.bounces.mailboxes.pop import PopSession

    session = ImapSession(address) if address.is_imap else PopSession(address)
    try:
        yield session
    except BaseException:
        session.abort()
        raise
    session.close()


def tls_context() -> ssl.SSLContext:
    """Return the settings that verify a server's certificate."""
    return ssl.create_default_context()


def explain(problem: Exception, address: MailboxAddress) -> MailboxError:
    """Return what went wrong as a person can act on it."""
    place = f"{address.host}:{address.port}"
    if isinstance(problem, ssl.SSLCertVerificationError):
        return MailboxError(f"The certificate of {place} is not valid: {problem.verify_message}.")
    if isinstance(problem, OSError):
        reason = problem.strerror or str(problem) or "no answer"
        return MailboxError(f"{place} cannot be reached: {reason}. Check host, port and TLS.")
    text = " ".join(str(problem).strip("b'\"").split())[:300].rstrip(".")
    return MailboxError(f"{place} refuses: {text}. Check the user, the password and the folder.")
