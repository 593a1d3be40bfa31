"""Errors about rendering an issue or a notice."""

from digest.core.errors import DigestError


class RenderingError(DigestError):
    """An issue or notice cannot be rendered as a mail."""


class EditorTemplateError(RenderingError):
    """A subject or preheader that an editor wrote cannot be rendered."""


class TemplateOverrideError(RenderingError):
    """A publication's own template of a mail cannot be rendered."""

    def __init__(self, name: str, lineno: int, problem: str) -> None:
        super().__init__(
            f"The publication's own template {name} cannot be rendered (line {lineno}): "
            f"{problem.rstrip('.')}. Correct the file, or remove it to use Digest's."
        )
