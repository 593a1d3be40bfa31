"""What Digest asks of a relay that speaks SMTP; see transports.base.Adapter."""

from collections.abc import Mapping
from typing import ClassVar

from digest.relays.transports.base import AddressParts
from digest.relays.transports.smtp.address import (
    LOOPBACK,
    Security,
    StartTls,
    parse_address,
    write_address,
)
from digest.relays.transports.smtp.transport import SmtpTransport

DEFAULT_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


class SmtpAdapter:
    """An address of the form smtp://… or smtps://…."""

    kinds: ClassVar[Mapping[str, str]] = {"smtp": "SMTP server"}
    checks_login: ClassVar[bool] = True

    def __init__(self, url: str) -> None:
        """Read an address; raises ConfigurationError without repeating it."""
        self.address = parse_address(url)

    @classmethod
    def write_url(cls, kind: str, parts: AddressParts) -> str:  # noqa: ARG003  (there is one kind)
        """Return the address of a server, with the usual port if none is named."""
        security = Security(parts.security or Security.STARTTLS)
        return write_address(
            host=parts.host.strip(),
            port=parts.port or DEFAULT_PORTS[security],
            security=security,
            user=parts.user,
            password=parts.password,
        )

    def open(self) -> SmtpTransport:
        """Return a transport; it connects when it is first used."""
        return SmtpTransport(self.address)

    def describe(self) -> str:
        """Return scheme, host and port."""
        scheme = "smtps" if self.address.tls else "smtp"
        return f"{scheme}://{self.address.host}:{self.address.port}"

    @property
    def mailbox_url(self) -> str:
        """The web page of a server that stores all mail and delivers nothing, or ""."""
        return self.address.mailbox

    @property
    def encrypted(self) -> bool:
        """Whether mail travels encrypted, or does not leave this machine."""
        address = self.address
        return address.tls or address.starttls is StartTls.REQUIRED or address.host in LOOPBACK
