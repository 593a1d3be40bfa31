"""What can be wrong with mail that comes in."""

from digest.core.errors import DigestError


class InboundError(DigestError):
    """A mail, or an address of ours that it goes to, cannot be understood."""
