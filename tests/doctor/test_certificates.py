"""The check of TLS certificates: those of our public address, and of the mail servers."""

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django.fixtures import Settings

from digest.core.findings import Finding, Level
from digest.doctor import certificates
from digest.relays import registry
from digest.relays.registry import RelayOptions
from digest.relays.transports.smtp.address import RelayAddress
from tests.certificates import make_certificate
from tests.provider_server import Answer, ProviderServer

pytestmark = [pytest.mark.django_db, pytest.mark.real_clock]


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """A key and a certificate of localhost, valid until tomorrow."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "localhost.pem"
    path.write_bytes(private + make_certificate(key, "localhost"))
    return path


@pytest.fixture
def context(pem: Path) -> ssl.SSLContext:
    """What a server encrypts with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.fixture
def _trusted(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))


def findings(days_ago: int = 0) -> list[Finding]:
    """Return what the check says, as if it ran so many days ago."""
    return list(certificates.check_certificates(datetime.now(UTC) - timedelta(days=days_ago)))


@contextmanager
def page(settings: Settings, context: ssl.SSLContext) -> Iterator[None]:
    """Our public address, served with the certificate."""
    with ProviderServer(lambda _: Answer(), tls=context) as server:
        settings.DIGEST_BASE_URL = server.url.rstrip("/")
        yield


@pytest.mark.usefixtures("_trusted")
def test_a_certificate_is_valid_for_some_time(settings: Settings, context: ssl.SSLContext) -> None:
    """More than two weeks before its end all is well; after that somebody has to look."""
    with page(settings, context):
        assert [row.level for row in findings(20)] == [Level.OK]
        [row] = findings()
    assert row.level is Level.WARN
    assert "127.0.0.1 is valid until" in row.summary
    assert "UTC" in row.summary


def test_one_that_nobody_trusts_fails(settings: Settings, context: ssl.SSLContext) -> None:
    """As mail programs and browsers would refuse it."""
    with page(settings, context):
        [row] = findings()
    assert row.level is Level.FAIL
    assert "not valid" in row.summary


def test_a_server_that_does_not_answer_is_a_warning(settings: Settings) -> None:
    """It may be reachable from outside only; without TLS there is nothing to check."""
    settings.DIGEST_BASE_URL = "https://127.0.0.1:1"
    assert [row.level for row in findings()] == [Level.WARN]
    settings.DIGEST_BASE_URL = "http://localhost:8000"
    assert findings() == []


def test_mail_servers_elsewhere_are_checked(settings: Settings) -> None:
    """Not those on this machine, without TLS, or of a provider's API, nor disabled ones."""
    settings.DIGEST_SMTP_URL = ""
    for name, url in {
        "a": "smtps://a.invalid",
        "b": "smtp://b.invalid:587",
        "near": "smtp://localhost:25",
        "plain": "smtp://c.invalid:25?starttls=never",
        "provider": "anymail+postmark://key@default",
    }.items():
        registry.add(name, url, RelayOptions())
    registry.add("off", "smtps://d.invalid", RelayOptions(active=False))
    summaries = [row.summary for row in findings() if ".invalid" in row.summary]
    assert [text.split()[3] for text in summaries] == ["a.invalid:465", "b.invalid:587"]


@pytest.mark.usefixtures("_trusted")
def test_starttls_shows_the_certificate(context: ssl.SSLContext) -> None:
    """The connection begins in the clear, as on port 587."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        listener.settimeout(10)
        served = pool.submit(_serve_starttls, listener, context)
        address = RelayAddress("localhost", listener.getsockname()[1])
        certificate = certificates._of_smtp(address)
        served.result(timeout=10)
    assert "notAfter" in certificate


def _serve_starttls(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    connection.settimeout(10)
    connection.sendall(b"220 relay.example\r\n")
    for reply in (b"250-relay.example\r\n250 STARTTLS\r\n", b"220 go on\r\n"):
        connection.recv(1024)
        connection.sendall(reply)
    with context.wrap_socket(connection, server_side=True) as secured:
        secured.recv(1024)
        secured.sendall(b"221 bye\r\n")
