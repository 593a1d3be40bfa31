"""What can go wrong with backups."""

from digest.core.errors import DigestError


class BackupError(DigestError):
    """A backup cannot be made, read or restored; says why and what to do."""
