"""Ways to hand mail over, each behind the protocol in base."""

from digest.relays.transports import smtp
from digest.relays.transports.base import Transport


def transport_for(url: str) -> Transport:
    """Return the transport of an address: `smtp://…`, `smtps://…` or `anymail+provider://…`.

    Raises ConfigurationError for an address that cannot be used.
    """
    if url.startswith("anymail+"):
        from digest.relays.transports import esp

        return esp.EspTransport(esp.parse_address(url))
    return smtp.SmtpTransport(smtp.parse_address(url))
