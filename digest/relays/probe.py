"""Do the relays accept our mail? Connect as when sending, log in, and hand nothing over.

check_address, advice_for   one address: what the relay answers, and what to do if it refuses
relay                       every relay, for `digest doctor`
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


def check_address(url: str) -> str:
    """Connect and log in at an address, hand nothing over, and return what the relay answered.

    Raises RelayDownError if it cannot be reached or refuses us, ConfigurationError if the address
    cannot be read.
    """
    if url.startswith("anymail+"):
        from digest.relays.transports import esp

        with esp.EspTransport(esp.parse_address(url)) as provider:
            return provider.check()
    with smtp.SmtpTransport(smtp.parse_address(url)) as transport:
        return transport.check()


def advice_for(problem: Exception) -> str:
    """Return what to do about a relay that refused us; empty if its answer says it already."""
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
    """Check every relay; TLS is expected beyond this machine, and no mail is handed over."""
    yield from _known_problems(now)
    try:
        relays = registry.active_relays()
    except ConfigurationError as problem:
        yield fail(str(problem), "Or add one: digest relay add NAME smtp://user:password@host:587")
        return
    for active in relays:
        yield from check_relay(active)
    senders = {
        routes.sender_domain(publication.sender_email) for publication in Publication.objects.all()
    }
    for domain, advice in routes.domains_without_relay(senders, relays).items():
        yield fail(f"Nothing can be sent from {domain}.", advice)


def check_relay(relay: Relay) -> Iterator[Finding]:
    """Connect to one relay and log in; hand nothing over."""
    correction = _correction(relay)
    try:
        url = registry.url_of(relay)
        if url.startswith("anymail+"):
            yield _check_provider(url, correction)
            return
        address = smtp.parse_address(url)
        with smtp.SmtpTransport(address) as transport:
            transport.check()
    except (ConfigurationError, RelayDownError) as problem:
        yield fail(
            f"The relay {relay.name} cannot be used: {problem}", f"Start it, or {correction}"
        )
        return
    yield ok(f"The relay {relay.name}, {address.host}:{address.port}, lets us in.")
    yield from _encryption(address, correction)


def _correction(relay: Relay) -> str:
    if relay.name == registry.DEFAULT:
        return "correct DIGEST_SMTP_URL."
    return f"correct its address: digest relay set {relay.name} --url smtp://…"


def _check_provider(url: str, correction: str) -> Finding:
    """Ask whether a provider's API answers; whether it accepts the key, no call can tell."""
    from digest.relays.transports import esp

    try:
        with esp.EspTransport(esp.parse_address(url)) as transport:
            answer = transport.check()
    except (ConfigurationError, RelayDownError) as problem:
        return fail(f"The provider cannot be used: {problem}", f"Wait, or {correction}")
    return ok(f"The provider is there: {answer}. Whether it takes the key, a test mail tells.")


def _known_problems(now: datetime) -> Iterator[Finding]:
    for down in Relay.objects.filter(down_since__isnull=False):
        since = clock.format_moment(down.down_since or clock.now())
        yield warn(
            f"Workers have not been able to use the relay {down.name} since {since}: "
            f"{down.problem}",
            "They retry automatically; nothing is lost.",
        )
    for paused in PausedDomain.objects.filter(until__gt=now).select_related("relay"):
        yield warn(
            f"{paused.domain} refuses mail from {paused.relay.name}: {paused.reason}",
            f"Nothing is sent there until {clock.format_moment(paused.until)}. "
            f"To try at once: digest relay resume {paused.relay.name} {paused.domain}",
        )


def _encryption(address: smtp.RelayAddress, correction: str) -> Iterator[Finding]:
    safe = address.tls or address.starttls is smtp.StartTls.REQUIRED
    if not safe and address.host not in LOOPBACK:
        yield warn(
            f"Mail may travel to {address.host} unencrypted.",
            f"Use smtps://, or remove ?starttls= from the address: {correction}",
        )
