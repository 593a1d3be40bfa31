"""What can go wrong with entitlements."""

from digest.core.errors import DigestError


class EntitlementError(DigestError):
    """Stripe cannot be connected, or a tier cannot be set, in this way."""


class SignatureError(EntitlementError):
    """A call was not signed with the account's secret, or long ago."""


class UnreadableError(EntitlementError):
    """A call is signed, but nothing can be read from it."""
