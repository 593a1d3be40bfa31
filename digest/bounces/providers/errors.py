"""What can be wrong with an event that a provider reports."""

from digest.core.errors import DigestError


class ProviderEventError(DigestError):
    """A report of events cannot be believed or understood; the provider may send it again."""


class UnknownToProviderError(ProviderEventError):
    """The provider does not have what was asked for, such as the details of an old message."""
