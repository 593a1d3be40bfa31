"""What can be wrong about what was asked for at the terminal."""

from digest.core.errors import DigestError


class UsageError(DigestError):
    """What was asked for does not exist, or cannot be done like this."""
