"""What can go wrong when something is fetched or posted (digest.core.http)."""

from digest.core.errors import DigestError


class FetchError(DigestError):
    """Something could not be fetched. `retry_after` is in seconds, if the server named a time."""

    def __init__(
        self, message: str, *, url: str, status: int = 0, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.url = url
        self.status = status
        self.retry_after = retry_after


class RefusedError(FetchError):
    """We won't go there: the scheme, or an address that is not on the public internet."""


class TooLargeError(FetchError):
    """The answer is larger than it may be."""


class TooSlowError(FetchError):
    """The answer was not complete after MAX_SECONDS."""


class GoneError(FetchError):
    """The server says that it is gone for good (410)."""
