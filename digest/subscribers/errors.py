"""Errors about subscribers and subscriptions."""

from digest.core.errors import DigestError
from digest.core.text import counted


class SubscriberError(DigestError):
    """A request about a subscriber cannot be fulfilled."""


class InvalidInputError(SubscriberError):
    """What was entered cannot be stored as it is: a value, a tag, rules."""


class AddressSuppressedError(SubscriberError):
    """The address is suppressed; only a person can lift the suppression."""


class UnsubscribedError(SubscriberError):
    """The subscriber has unsubscribed; only they themselves can subscribe again."""


class ImportFileError(SubscriberError):
    """The file cannot be read as a list of subscribers; nothing was imported."""


class TooManyError(SubscriberError):
    """Too many sign-ups from one source; the limit allows another one in `seconds`."""

    def __init__(self, seconds: int) -> None:
        minutes = -(-seconds // 60)
        super().__init__(f"Too many sign-ups. Try again in {counted(minutes, 'minute')}.")
        self.seconds = seconds


class LimiterUnavailableError(SubscriberError):
    """Sign-ups cannot be counted at this moment, so none is accepted."""
