"""What goes wrong between a publisher's server and our tables."""

from digest.core.errors import DigestError


class ArticlesError(DigestError):
    """The family of the articles package."""


class ParseError(ArticlesError):
    """What came is not what was expected, or nothing in it can be used."""


class DiscoveryError(ArticlesError):
    """An address leads to nothing that can be polled."""


class ParserKilledError(ParseError):
    """A document exceeded the limits of the process that parses it."""

    def __init__(self) -> None:
        super().__init__("This document takes too much time or memory to read.")


class ParserUnavailableError(ArticlesError):
    """The process that parses documents cannot be started, or the machine is too busy for it."""
