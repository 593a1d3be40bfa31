"""What can go wrong with the services that Digest brings along itself."""

from digest.core.errors import DigestError


class EmbeddedError(DigestError):
    """An embedded service or the sample cannot do its work; says what to do about it."""
