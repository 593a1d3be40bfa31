"""Errors about changes to many subscribers."""

from digest.core.errors import DigestError


class BulkError(DigestError):
    """A change to many subscribers cannot be prepared, made or undone."""


class InvalidChangeError(BulkError):
    """What was entered does not say what to change."""


class LeaseLostError(BulkError):
    """Another worker has taken over a chunk, whose lease had ended."""
