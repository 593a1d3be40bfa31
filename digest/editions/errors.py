"""What can go wrong with an edition."""

from digest.core.errors import DigestError


class EditionError(DigestError):
    """An edition cannot be built or shown."""
