"""What can be wrong about turning an issue into mail."""

from digest.core.errors import DigestError


class RenderingError(DigestError):
    """An issue cannot be made into a mail as asked."""


class EditorTemplateError(RenderingError):
    """What an editor wrote as a subject, preheader or intro cannot be rendered."""
