"""What can be wrong with a mailbox that is polled."""

from digest.core.errors import DigestError


class MailboxError(DigestError):
    """A mailbox cannot be set up as requested, reached, or read."""


class UnreadableMessageError(MailboxError):
    """One message cannot be fetched; the session is over, the other messages can be."""
