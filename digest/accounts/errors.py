"""Errors about accounts."""

from digest.core.errors import DigestError


class AccountError(DigestError):
    """An account cannot be created."""
