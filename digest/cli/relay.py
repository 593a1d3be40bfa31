"""Does the relay take our mail? For `digest doctor`: let in as when sending, then goodbye."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from digest.cli.checks import LOOPBACK, Finding, fail, ok, warn
from digest.core import clock
from digest.core.errors import ConfigurationError
from digest.delivery.errors import RelayDownError
from digest.delivery.models import Relay
from digest.delivery.transports.smtp import (
    RelayAddress,
    SmtpTransport,
    StartTls,
    parse_address,
)


def relay(_now: datetime) -> Iterator[Finding]:
    """The relay lets us in, over TLS beyond this machine; no mail is handed over."""
    yield from _troubles()
    if not settings.DIGEST_SMTP_URL:
        yield fail("No relay is set.", "Set DIGEST_SMTP_URL: smtp://user:password@host:587.")
        return
    if settings.DIGEST_SMTP_URL.startswith("anymail+"):
        yield _provider(settings.DIGEST_SMTP_URL)
        return
    try:
        address = parse_address(settings.DIGEST_SMTP_URL)
        with SmtpTransport(address) as transport:
            transport.check()
    except (ConfigurationError, RelayDownError) as problem:
        yield fail(f"The relay cannot be used: {problem}", "Start it, or mend DIGEST_SMTP_URL.")
        return
    yield ok(f"The relay {address.host}:{address.port} lets us in.")
    yield from _secrecy(address)


def _provider(url: str) -> Finding:
    """A provider's API answers; no question about keys is answered by all of them."""
    from digest.delivery.transports import esp

    try:
        with esp.EspTransport(esp.parse_address(url)) as transport:
            words = transport.check()
    except (ConfigurationError, RelayDownError) as problem:
        return fail(f"The provider cannot be used: {problem}", "Mend DIGEST_SMTP_URL.")
    return ok(f"The provider is there: {words}. Whether it takes the key, a test mail tells.")


def _troubles() -> Iterator[Finding]:
    for one in Relay.objects.filter(down_since__isnull=False):
        since = clock.spoken(one.down_since or clock.now())
        yield warn(
            f"Workers have not been able to use the relay since {since}: {one.problem}",
            "They try again by themselves; nothing is lost.",
        )


def _secrecy(address: RelayAddress) -> Iterator[Finding]:
    safe = address.tls or address.starttls is StartTls.REQUIRED
    if not safe and address.host not in LOOPBACK:
        yield warn(
            f"Mail may travel to {address.host} in the clear.",
            "Use smtps://, or leave ?starttls= out of DIGEST_SMTP_URL.",
        )
