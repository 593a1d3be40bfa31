"""What can go wrong with reports of our reputation."""

from digest.core.errors import DigestError


class ReputationError(DigestError):
    """A report cannot be read, or a service cannot be asked; says what to do."""
