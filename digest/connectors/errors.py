"""What can go wrong between a system of the publisher and us."""

from digest.core.errors import DigestError


class ConnectorError(DigestError):
    """A connection cannot be added or used in this way."""


class InvalidConnectionError(ConnectorError):
    """What was entered of a connection cannot be stored."""


class SignatureError(ConnectorError):
    """A call was not signed with the connection's secret, or long ago."""


class UnreadableError(ConnectorError):
    """A call is signed, but nothing can be read from it."""
