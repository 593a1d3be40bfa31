"""What can be wrong about subscribers."""

from digest.core.errors import DigestError


class SubscriberError(DigestError):
    """Something about a subscriber cannot be done as asked."""


class AddressSuppressedError(SubscriberError):
    """The address must not be mailed; only lifting the suppression, by a person, changes that."""


class SubscriberHasLeftError(SubscriberError):
    """The subscriber has unsubscribed; only the subscriber's own wish brings them back."""


class ImportFileError(SubscriberError):
    """The file cannot be read as a list of subscribers; nothing of it was taken."""


class TooManyError(SubscriberError):
    """Too many wishes came from the same place; `seconds` from now there is room again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many sign-ups; try again in {-(-seconds // 60)} minutes.")
        self.seconds = seconds


class LimiterUnavailableError(SubscriberError):
    """Wishes cannot be counted at this moment, so none is taken."""
