"""What can be wrong with what an editor sets up."""

from digest.core.errors import DigestError


class NewsletterError(DigestError):
    """A publication, newsletter or schedule cannot be as it was asked for."""
