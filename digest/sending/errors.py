"""What can go wrong when an issue is sent."""

from digest.core.errors import DigestError


class DeliveryError(DigestError):
    """An issue cannot be sent, paused, resumed, cancelled or resent as requested."""
