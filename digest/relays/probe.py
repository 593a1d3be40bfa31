"""Do the relays take our mail? We are let in as when sending, and say goodbye.

knock, hint    one address: what the relay says, and what helps if it refuses
relay          every relay, for `digest doctor`
"""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from datetime import datetime

from digest.core import clock
from digest.core.errors import ConfigurationError
from digest.core.findings import Finding, fail, ok, warn
from digest.newsletters.models import Publication
from digest.relays import registry, routes
from digest.relays.errors import RelayDownError
from digest.relays.models import PausedDomain, Relay
from digest.relays.transports import smtp
from digest.relays.transports.smtp.address import LOOPBACK


def knock(url: str) -> str:
    """Be let in at a relay's address, log in, hand nothing over; return how it greets us.

    Raises RelayDownError with the relay's words, ConfigurationError for what is no address.
    """
    if url.startswith("anymail+"):
        from digest.relays.transports import esp

        with esp.EspTransport(esp.parse_address(url)) as provider:
            return provider.check()
    with smtp.SmtpTransport(smtp.parse_address(url)) as transport:
        return transport.check()


def hint(problem: Exception) -> str:
    """Return what to do about a relay that did not let us in; nothing where its words say it."""
    cause = problem.__cause__
    return next((advice for kind, advice in _HINTS if isinstance(cause, kind)), "")


_HINTS: tuple[tuple[type[BaseException], str], ...] = (
    (
        smtplib.SMTPAuthenticationError,
        (
            "Look at user and password. Many relays want an app password or an API key here, "
            "not the password that you sign in with."
        ),
    ),
    (
        smtplib.SMTPNotSupportedError,
        (
            "The relay does not offer this encryption, or this way to log in, on this port. "
            "Try TLS with port 465, or STARTTLS with port 587."
        ),
    ),
    (
        ssl.SSLCertVerificationError,
        "Use the name that the relay's certificate is for, as its provider writes it.",
    ),
    (
        ssl.SSLError,
        "Port 465 usually speaks TLS, ports 587 and 25 STARTTLS: choose the one that fits.",
    ),
    (socket.gaierror, "There is no host of this name, or DNS does not answer. Look for a typo."),
    (
        TimeoutError,
        "Nobody answers there. Many hosting firms block port 25: try 587 or 465.",
    ),
    (ConnectionRefusedError, "Nothing listens on this port of this host. Look at both."),
    (
        smtplib.SMTPServerDisconnected,
        "It hung up. A port that speaks TLS does so to whoever comes without: try TLS.",
    ),
)


def relay(now: datetime) -> Iterator[Finding]:
    """Every relay lets us in, over TLS beyond this machine; no mail is handed over."""
    yield from _troubles(now)
    try:
        relays = registry.in_use()
    except ConfigurationError as problem:
        yield fail(str(problem), "Or add one: digest relay add NAME smtp://user:password@host:587")
        return
    for one in relays:
        yield from look_at(one)
    senders = {routes.sender_domain(each.sender_email) for each in Publication.objects.all()}
    for domain, advice in routes.stranded(senders, relays).items():
        yield fail(f"Nothing can be sent from {domain}.", advice)


def look_at(one: Relay) -> Iterator[Finding]:
    """Knock at one relay."""
    mend = _mend(one)
    try:
        url = registry.url_of(one)
        if url.startswith("anymail+"):
            yield _provider(url, mend)
            return
        address = smtp.parse_address(url)
        with smtp.SmtpTransport(address) as transport:
            transport.check()
    except (ConfigurationError, RelayDownError) as problem:
        yield fail(f"The relay {one.name} cannot be used: {problem}", f"Start it, or {mend}")
        return
    yield ok(f"The relay {one.name}, {address.host}:{address.port}, lets us in.")
    yield from _secrecy(address, mend)


def _mend(one: Relay) -> str:
    if one.name == registry.DEFAULT:
        return "mend DIGEST_SMTP_URL."
    return f"mend its address: digest relay set {one.name} --url smtp://…"


def _provider(url: str, mend: str) -> Finding:
    """A provider's API answers; no question about keys is answered by all of them."""
    from digest.relays.transports import esp

    try:
        with esp.EspTransport(esp.parse_address(url)) as transport:
            words = transport.check()
    except (ConfigurationError, RelayDownError) as problem:
        return fail(f"The provider cannot be used: {problem}", f"Wait, or {mend}")
    return ok(f"The provider is there: {words}. Whether it takes the key, a test mail tells.")


def _troubles(now: datetime) -> Iterator[Finding]:
    for one in Relay.objects.filter(down_since__isnull=False):
        since = clock.format_moment(one.down_since or clock.now())
        yield warn(
            f"Workers have not been able to use the relay {one.name} since {since}: {one.problem}",
            "They try again by themselves; nothing is lost.",
        )
    for each in PausedDomain.objects.filter(until__gt=now).select_related("relay"):
        yield warn(
            f"{each.domain} refuses mail from {each.relay.name}: {each.why}",
            f"It is left alone until {clock.format_moment(each.until)}. "
            f"To try at once: digest relay resume {each.relay.name} {each.domain}",
        )


def _secrecy(address: smtp.RelayAddress, mend: str) -> Iterator[Finding]:
    safe = address.tls or address.starttls is smtp.StartTls.REQUIRED
    if not safe and address.host not in LOOPBACK:
        yield warn(
            f"Mail may travel to {address.host} in the clear.",
            f"Use smtps://, or leave ?starttls= out: {mend}",
        )
