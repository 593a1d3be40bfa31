"""Errors about what comes from another service."""

from digest.core.errors import DigestError


class TransferError(DigestError):
    """An export, or what an API answered, cannot be read; nothing of it was imported."""


class LeaseLostError(TransferError):
    """Another worker imports this; this one stops."""
