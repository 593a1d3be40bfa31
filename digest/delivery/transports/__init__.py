"""Ways to hand mail over, each behind the protocol in base."""

from django.conf import settings

from digest.core.errors import ConfigurationError
from digest.delivery.transports.base import Transport
from digest.delivery.transports.smtp import SmtpTransport, parse_address


def open_transport() -> Transport:
    """Return the transport of this installation; it connects when it is first used.

    Raises ConfigurationError without a usable DIGEST_SMTP_URL.
    """
    if not settings.DIGEST_SMTP_URL:
        raise ConfigurationError(
            "No relay is set. Set DIGEST_SMTP_URL, for example smtp://user:password@host:587"
        )
    return SmtpTransport(parse_address(settings.DIGEST_SMTP_URL))
