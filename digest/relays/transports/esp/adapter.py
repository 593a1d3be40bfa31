"""What Digest asks of a provider's API; see transports.base.Adapter."""

from collections.abc import Mapping
from typing import ClassVar

from digest.relays.transports.base import AddressParts
from digest.relays.transports.esp.address import PROVIDERS, parse_address, write_address
from digest.relays.transports.esp.transport import EspTransport


class EspAdapter:
    """An address of the form anymail+provider://…."""

    kinds: ClassVar[Mapping[str, str]] = {
        name: provider.label for name, provider in sorted(PROVIDERS.items()) if provider.label
    }
    checks_login: ClassVar[bool] = False  # no call exists that checks the key of every provider

    def __init__(self, url: str) -> None:
        """Read an address; raises ConfigurationError without repeating it."""
        self.address = parse_address(url)

    @classmethod
    def write_url(cls, kind: str, parts: AddressParts) -> str:
        """Return the address of a provider: user and password are its secrets."""
        secrets = [secret for secret in (parts.user, parts.password) if secret]
        return write_address(kind, secrets, parts.host.strip(), parts.options.strip())

    def open(self) -> EspTransport:
        """Return a transport; raises ConfigurationError if a library is missing."""
        return EspTransport(self.address)

    def describe(self) -> str:
        """Return the provider's name."""
        return self.address.provider.label or self.address.name

    @property
    def mailbox_url(self) -> str:
        """Empty: providers deliver mail."""
        return ""

    @property
    def encrypted(self) -> bool:
        """True: parse_address accepts an unencrypted API on this machine only."""
        return True
