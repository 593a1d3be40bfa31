"""Over TLS, what the kernel has of a message decides what is reported of it."""

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from digest.relays.transports.base import Envelope, OutgoingMessage
from digest.relays.transports.smtp.capabilities import Capabilities
from digest.relays.transports.smtp.conversation import Conversation
from digest.relays.transports.smtp.round import Round
from digest.relays.transports.smtp.session import Session
from tests.certificates import make_certificate
from tests.relays.smtp.sources import Source

RECORD = 16_384  # octets of a TLS record
END = b"\r\n.\r\n"
BUFFER = 20_000  # octets that either kernel holds, or a few times as many


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Return what a relay encrypts with."""
    key = ec.generate_private_key(ec.SECP256R1())
    file = Path(tmp_path_factory.mktemp("tls")) / "relay.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + make_certificate(key, "localhost"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """A thread for the relay's side of a handshake."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def connect(
    context: ssl.SSLContext, pool: ThreadPoolExecutor
) -> tuple[ssl.SSLSocket, ssl.SSLSocket]:
    """Return both ends of an encrypted connection with small buffers: ours, the relay's."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        plain.connect(listener.getsockname())
        accepted, _ = listener.accept()
    relay = pool.submit(context.wrap_socket, accepted, server_side=True)
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    return client.wrap_socket(plain), relay.result()


def message(key: int, octets: int, envelope_id: str = "") -> OutgoingMessage:
    """Return a message whose content, with what ends it, has so many octets."""
    envelope = Envelope("news@courier.example", f"s{key}@reader.example", envelope_id)
    content = b"x" * 70 + b"\r\n"
    content = (content * (octets // len(content) + 1))[: octets - len(END)]
    return OutgoingMessage(key, envelope, content, smtp_safe=True)


def send_first(conversation: Conversation, round_: Round, relay: ssl.SSLSocket) -> None:
    """Send the first message, whose envelope the relay accepts."""
    conversation.start(round_)
    relay.recv(RECORD)
    relay.sendall(b"250 ok\r\n250 ok\r\n354 go on\r\n")
    while conversation.ready is None:
        conversation.read(round_)
    conversation.prepare_next(round_)
    conversation.send_content(round_)


def read_all(relay: ssl.SSLSocket) -> bytes:
    """Return what the relay can decrypt of what has arrived."""
    octets = b""
    try:
        while piece := relay.recv(RECORD):
            octets += piece
    except OSError:  # the connection ended within a record
        pass
    return octets


def test_a_message_that_is_complete_for_the_relay_is_never_unsent(
    context: ssl.SSLContext, pool: ThreadPoolExecutor
) -> None:
    """Though only a part of what was handed over with its end fitted into the kernel."""
    results = {}
    for records in range(1, 60):
        connection, relay = connect(context, pool)
        source = Source([message(2, 100, "i" * 16_000), message(1, records * RECORD)])
        conversation = Conversation(
            Session(connection, Capabilities(pipelining=True, dsn=True), ""), 9
        )
        round_ = Round(source, lambda *_: None)
        with relay:
            send_first(conversation, round_, relay)
            is_blocked = conversation.wants_write
            conversation.abandon(round_, "the relay was switched off")
            is_complete = END in read_all(relay)
        expected = "uncertain" if is_complete else "unsent"
        assert (source.results[1], source.results[2]) == (expected, "unsent")
        results[is_complete, is_blocked] = records
        if not is_complete:
            break
    assert results.keys() == {(True, False), (True, True), (False, True)}


def test_a_slow_relay_gets_each_octet_once(
    context: ssl.SSLContext, pool: ThreadPoolExecutor
) -> None:
    """What does not fit is repeated as it was, however much comes behind it."""
    connection, relay = connect(context, pool)
    sent = message(1, 40 * RECORD)
    source = Source([message(2, 100), sent])
    conversation = Conversation(Session(connection, Capabilities(pipelining=True), ""), 9)
    round_ = Round(source, lambda *_: None)
    with relay:
        send_first(conversation, round_, relay)
        assert conversation.wants_write
        received = b""
        while not received.endswith(b"DATA\r\n"):
            received += relay.recv(3_000)
            conversation.write()
        conversation.quit()
    content, following = received.split(END)
    assert content == sent.content
    assert following.startswith(b"MAIL FROM:<news@courier.example>")
