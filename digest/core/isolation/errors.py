"""What can go wrong when a child process reads what a stranger sent (digest.core.isolation)."""

from digest.core.errors import DigestError


class IsolationError(DigestError):
    """The family of this package; the callers give it words of their own."""


class UnreadableError(IsolationError):
    """The child says what is wrong with it, in words for a person."""


class KilledError(IsolationError):
    """It exceeded the child's limits of time or memory."""


class UnavailableError(IsolationError):
    """No child can be started, or the machine is too busy."""
