"""What goes wrong between a publisher's server and our tables."""

from digest.core.errors import DigestError


class ArticlesError(DigestError):
    """The family of the articles package."""


class ParseError(ArticlesError):
    """What came is not what was expected, or nothing in it can be used."""


class DiscoveryError(ArticlesError):
    """An address leads to nothing that can be polled."""
