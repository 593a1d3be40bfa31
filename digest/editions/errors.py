"""What can go wrong with an edition."""

from digest.core.errors import DigestError


class EditionError(DigestError):
    """An edition cannot be built or shown."""


class ChangedMeanwhileError(EditionError):
    """Somebody else was faster; nothing was changed."""


class ApprovalError(EditionError):
    """Somebody has to approve it first, or somebody else."""
