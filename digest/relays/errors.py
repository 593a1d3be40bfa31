"""What can go wrong between an issue and a mailbox."""

from digest.core.errors import DigestError


class DeliveryError(DigestError):
    """An issue cannot be planned, sent or steered as asked."""


class TransportError(DeliveryError):
    """A message could not be handed over, through no fault of its subscriber."""


class RelayDownError(TransportError):
    """The relay is out of reach, refuses us, or sent us away; nothing was handed over."""


class ReplyLostError(TransportError):
    """The connection broke after the final dot: nobody knows whether the relay has the message.

    RFC 1047 calls this gap; it cannot be closed, only be known.
    """


class ThrottleUnavailableError(DeliveryError):
    """Valkey does not answer, so nobody knows what may be sent: wait, and send nothing."""
