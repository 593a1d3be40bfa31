"""What can go wrong between an assistant's server and Digest."""

from digest.core.errors import DigestError


class McpError(DigestError):
    """The server cannot start, or a call to the API failed."""
