"""What can be wrong with a picture."""

from digest.core.errors import DigestError


class PicturesError(DigestError):
    """The family of the pictures package."""


class UnfitPictureError(PicturesError):
    """It cannot be used: not a picture, broken, too small or too large. Never tried again."""


class PicturesUnavailableError(PicturesError):
    """It cannot be read or stored at present; later it can."""


class PictureInUseError(PicturesError):
    """It cannot be deleted, because something shows it."""
