"""Whether the TLS certificates of our public address and of the mail servers go on being valid."""

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from django.conf import settings

from digest.core import clock
from digest.core.errors import DigestError
from digest.core.findings import Finding, fail, ok, warn
from digest.relays import registry
from digest.relays.models import Relay
from digest.relays.transports.smtp.adapter import SmtpAdapter
from digest.relays.transports.smtp.address import LOOPBACK, RelayAddress, StartTls

SECONDS = 4.0  # for each connection
SOON = timedelta(days=14)  # Let's Encrypt renews 30 days before the end

Certificate = dict[str, object]


def check_certificates(now: datetime) -> Iterator[Finding]:
    """The certificates are valid for two weeks at least."""
    parts = urlsplit(settings.DIGEST_BASE_URL)
    if parts.scheme == "https" and parts.hostname:
        read = partial(_of_web, parts.hostname, parts.port or 443)
        yield check_certificate(parts.hostname, read, now)
    for address in _smtp_servers():
        name = f"{address.host}:{address.port}"
        yield check_certificate(name, partial(_of_smtp, address), now)


def check_certificate(name: str, read: Callable[[], Certificate], now: datetime) -> Finding:
    """Return what becomes of one certificate; `read` connects and returns it."""
    try:
        certificate = read()
    except ssl.SSLCertVerificationError as problem:
        return fail(
            f"The certificate of {name} is not valid: {problem.verify_message}.",
            "Renew it, with all certificates between it and the authority's.",
        )
    except (OSError, smtplib.SMTPException) as problem:
        reason = problem.strerror or type(problem).__name__
        return warn(
            f"The certificate of {name} cannot be read: {reason}.",
            "If this machine cannot reach it, look at it from outside.",
        )
    ends_at = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    summary = f"The certificate of {name} is valid until {clock.format_moment(ends_at)}."
    if ends_at - now < SOON:
        return warn(summary, "Renew it; find out why that was not done by itself.")
    return ok(summary)


def _smtp_servers() -> Iterator[RelayAddress]:
    """Yield the addresses of active SMTP servers elsewhere that speak TLS."""
    for relay in Relay.objects.filter(active=True).order_by("name"):
        try:
            adapter = registry.adapter_of(relay)
        except DigestError:
            continue  # reported among the relays
        if isinstance(adapter, SmtpAdapter) and _speaks_tls(adapter.address):
            yield adapter.address


def _speaks_tls(address: RelayAddress) -> bool:
    is_secured = address.tls or address.starttls is not StartTls.NEVER
    return is_secured and address.host not in LOOPBACK


def _of_web(host: str, port: int) -> Certificate:
    with socket.create_connection((host, port), SECONDS) as plain:
        return _read(plain, host)


def _of_smtp(address: RelayAddress) -> Certificate:
    if address.tls:
        return _of_web(address.host, address.port)
    server = smtplib.SMTP(address.host, address.port, timeout=SECONDS)
    try:
        server.starttls(context=ssl.create_default_context())
        assert isinstance(server.sock, ssl.SSLSocket)
        return dict(server.sock.getpeercert() or {})
    finally:
        with suppress(OSError, smtplib.SMTPException):
            server.quit()


def _read(plain: socket.socket, host: str) -> Certificate:
    with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secured:
        return dict(secured.getpeercert() or {})
