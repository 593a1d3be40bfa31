"""What can be wrong about readers."""

from digest.core.errors import DigestError


class SubscriberError(DigestError):
    """Something about a reader cannot be done as asked."""


class AddressSuppressedError(SubscriberError):
    """The address must not be mailed; only lifting the suppression, by a person, changes that."""


class ReaderHasLeftError(SubscriberError):
    """The reader has unsubscribed; only the reader's own wish brings them back."""


class ImportFileError(SubscriberError):
    """The file cannot be read as a list of readers; nothing of it was taken."""


class TooManyError(SubscriberError):
    """Too many wishes came from the same place; `seconds` from now there is room again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many sign-ups; try again in {-(-seconds // 60)} minutes.")
        self.seconds = seconds


class DoorClosedError(SubscriberError):
    """Wishes cannot be counted at this moment, so none is taken."""
