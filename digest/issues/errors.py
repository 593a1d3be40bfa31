"""What can go wrong with an issue."""

from digest.core.errors import DigestError


class IssueError(DigestError):
    """An issue cannot be built or shown."""


class EditConflictError(IssueError):
    """Somebody else was faster; nothing was changed."""


class ApprovalError(IssueError):
    """Somebody has to approve it first, or somebody else."""
