"""Ways to deliver mail, each behind the protocols in base. docs/adding-a-transport.md adds one."""

from collections.abc import Mapping

from digest.core.errors import ConfigurationError
from digest.relays.transports.base import Adapter, AddressParts, Transport
from digest.relays.transports.esp import EspAdapter
from digest.relays.transports.smtp import SmtpAdapter

# By the scheme of an address, without what follows a "+" in it.
ADAPTERS: Mapping[str, type[Adapter]] = {
    "smtp": SmtpAdapter,
    "smtps": SmtpAdapter,
    "anymail": EspAdapter,
}


def adapter_for(url: str) -> Adapter:
    """Return the adapter of an address; raises ConfigurationError, without repeating it."""
    scheme = url.partition(":")[0].partition("+")[0].lower()
    if scheme not in ADAPTERS:
        raise ConfigurationError(
            "The address of the relay: use smtp://user:password@host:587, smtps://… or "
            "anymail+provider://…, as docs/operating.md lists them."
        )
    return ADAPTERS[scheme](url)


def transport_for(url: str) -> Transport:
    """Return a transport to an address; it connects when it is first used.

    Raises ConfigurationError if the address cannot be used.
    """
    return adapter_for(url).open()


def kinds() -> dict[str, str]:
    """Return the kinds of relays that a form offers: the name of each, and its label."""
    return {kind: label for adapter in ADAPTERS.values() for kind, label in adapter.kinds.items()}


def write_url(kind: str, parts: AddressParts) -> str:
    """Return the address of a relay of this kind; raises ConfigurationError."""
    adapter = next(adapter for adapter in ADAPTERS.values() if kind in adapter.kinds)
    return adapter.write_url(kind, parts)
