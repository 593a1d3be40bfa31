"""Errors about rendering an issue or a notice."""

from digest.core.errors import DigestError


class RenderingError(DigestError):
    """An issue or notice cannot be rendered as a mail."""


class EditorTemplateError(RenderingError):
    """A subject or preheader that an editor wrote cannot be rendered."""
