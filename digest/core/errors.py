"""The root of every error that Digest raises on purpose.

Each package has one family below this root. Its message is written for the person who has to act
on it: what is wrong, about what, and what to do. The command line and the pages show it as it is.
"""


class DigestError(Exception):
    """Something a person can understand and mend; never shown with a traceback."""


class ConfigurationError(DigestError):
    """The installation's environment is incomplete or contradicts itself."""


class InvalidAddressError(DigestError):
    """What was given is not an email address that mail could be sent to."""


class LinkError(DigestError):
    """A signed link was altered, is for another purpose, or has expired."""


class LinkGoneError(LinkError):
    """A signed link is ours, but what it names does not exist any more, whoever has its id now."""


class LinkExpiredError(LinkError):
    """A signed link is ours, and its time is over; `ids` is what it carried."""

    def __init__(self, message: str, ids: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.ids = ids
