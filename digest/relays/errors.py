"""What can go wrong between this installation and its relays."""

from typing import TYPE_CHECKING

from digest.core.errors import DigestError

if TYPE_CHECKING:
    from digest.relays.transports.base import Reply


class RelayError(DigestError):
    """A relay or a DKIM key cannot be set up or used as requested."""


class UnfitMessageError(RelayError):
    """A message has a form that a provider's API cannot represent."""


class TransportError(RelayError):
    """A message was not delivered, for a reason that does not depend on its recipient.

    `retry_after` is how many seconds the relay asks us to stay away, if it does.
    """

    retry_after: float = 0


class RelayDownError(TransportError):
    """The relay cannot be reached or refuses us; nothing was handed over.

    `reply` is the relay's SMTP reply, with code, enhanced code and permanence, where it gave one;
    `advice` says what to do, where the cause tells.
    """

    def __init__(
        self,
        message: str,
        *,
        reply: "Reply | None" = None,
        advice: str = "",
        retry_after: float = 0,
    ) -> None:
        super().__init__(message)
        self.reply = reply
        self.advice = advice
        self.retry_after = retry_after


class ReplyLostError(TransportError):
    """The connection broke after the final dot: nobody knows whether the relay has the message.

    RFC 1047 describes this gap. No sender can close it.
    """


class ThrottleUnavailableError(RelayError):
    """Valkey does not answer, so the rate limits are unknown: send nothing and wait."""
