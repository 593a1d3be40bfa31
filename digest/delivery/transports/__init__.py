"""Ways to hand mail over, each behind the protocol in base."""

from django.conf import settings

from digest.core.errors import ConfigurationError
from digest.delivery import dkim
from digest.delivery.transports import smtp
from digest.delivery.transports.base import Transport


def open_transport() -> Transport:
    """Return the transport of this installation; it connects when it is first used.

    Raises ConfigurationError without a usable DIGEST_SMTP_URL, or with DKIM keys that are none.
    """
    dkim.ready()
    if not settings.DIGEST_SMTP_URL:
        raise ConfigurationError(
            "No relay is set. Set DIGEST_SMTP_URL, for example smtp://user:password@host:587"
        )
    return transport_for(settings.DIGEST_SMTP_URL)


def transport_for(url: str) -> Transport:
    """Return the transport of an address: `smtp://…`, `smtps://…` or `anymail+provider://…`.

    Raises ConfigurationError for an address that cannot be used.
    """
    if url.startswith("anymail+"):
        from digest.delivery.transports import esp  # anymail and requests load slowly

        return esp.EspTransport(esp.parse_address(url))
    return smtp.SmtpTransport(smtp.parse_address(url))
