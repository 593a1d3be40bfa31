"""Ways to hand mail over, each behind the protocol in base."""

from digest.delivery.transports import smtp
from digest.delivery.transports.base import Transport


def transport_for(url: str) -> Transport:
    """Return the transport of an address: `smtp://…`, `smtps://…` or `anymail+provider://…`.

    Raises ConfigurationError for an address that cannot be used.
    """
    if url.startswith("anymail+"):
        from digest.delivery.transports import esp  # anymail and requests load slowly

        return esp.EspTransport(esp.parse_address(url))
    return smtp.SmtpTransport(smtp.parse_address(url))
