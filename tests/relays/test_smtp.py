"""SMTP, against a server that says what it is told to; with and without what relays may offer."""

import pytest

from digest.core.errors import ConfigurationError
from digest.relays.errors import RelayDownError, ReplyLostError
from digest.relays.transports.base import Envelope, Reply
from digest.relays.transports.smtp import RelayAddress, SmtpTransport, StartTls, parse_address
from tests.smtp_server import CLOSE, Script, SmtpServer

TO_INES = Envelope("news@courier.example", "ines@reader.example")
OFFERS = {
    "plain": (),
    "pipelining": ("PIPELINING",),
    "chunking": ("PIPELINING", "CHUNKING"),
}
MAIL = b"Subject: Tide\r\n\r\nHigh water at noon.\r\n"


@pytest.fixture(params=OFFERS, autouse=True)
def offer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the relays of this test offer."""
    usual = SmtpServer.EXTENSIONS
    monkeypatch.setattr(SmtpServer, "EXTENSIONS", (*usual, *OFFERS[request.param]))
    return str(request.param)


def deliver(script: Script | None = None, message: bytes = MAIL) -> Reply:
    """Deliver one message to a server with that script."""
    with SmtpServer(script) as server, SmtpTransport(parse_address(server.url)) as transport:
        return transport.deliver(TO_INES, message)


def test_bytes_arrive_as_they_left() -> None:
    """Dots at line starts too."""
    message = MAIL + b".\r\n..\r\n.hidden\r\nend\r\n"
    with SmtpServer() as server, SmtpTransport(parse_address(server.url)) as transport:
        reply = transport.deliver(TO_INES, message)
    assert reply.accepted
    assert server.received == [("news@courier.example", "ines@reader.example", message)]


def test_a_connection_serves_many_messages() -> None:
    """One greeting, then message after message."""
    with SmtpServer() as server, SmtpTransport(parse_address(server.url)) as transport:
        for _ in range(3):
            transport.deliver(TO_INES, MAIL)
    assert [words for words in server.said if words.startswith("ehlo")] == server.said[:1]


@pytest.mark.parametrize("stage", ["rcpt", "data", "end"])
@pytest.mark.parametrize("words", ["450 4.2.1 later", "454 4.7.0 slow down", "550 5.1.1 nobody"])
def test_a_refusal_of_a_subscriber_concerns_that_subscriber(stage: str, words: str) -> None:
    """The next one goes through on the same connection."""
    script: Script = {stage: lambda who: words if "ines" in who else None}
    with SmtpServer(script) as server, SmtpTransport(parse_address(server.url)) as transport:
        reply = transport.deliver(TO_INES, MAIL)
        assert transport.deliver(Envelope("news@courier.example", "bo@reader.example"), MAIL)
    assert f"{reply.code} {reply.text}" == words
    assert reply.enhanced == words[4:9]
    assert server.recipients == ["bo@reader.example"]


def test_nobody_gets_a_message_that_was_refused_too_late() -> None:
    """A relay that says 354 after refusing the subscriber hears an empty message to nobody."""
    script: Script = {"rcpt": lambda who: "550 5.1.1 nobody" if "ines" in who else None}
    with (
        SmtpServer(script, lenient=True) as server,
        SmtpTransport(parse_address(server.url)) as transport,
    ):
        assert transport.deliver(TO_INES, MAIL).text == "5.1.1 nobody"
        assert transport.deliver(Envelope("news@courier.example", "bo@reader.example"), MAIL)
    assert server.received == [("news@courier.example", "bo@reader.example", MAIL)]


@pytest.mark.parametrize("answer", [CLOSE, "421 4.7.0 too many errors"])
def test_a_relay_that_hangs_up_after_refusing_has_refused(answer: str) -> None:
    """The subscriber fails, and is not tried for ever; the next goes over a new connection."""
    script: Script = {
        "rcpt": lambda who: "550 5.1.1 nobody" if "ines" in who else None,
        "rset": lambda _: answer,
    }
    with SmtpServer(script) as server, SmtpTransport(parse_address(server.url)) as transport:
        assert transport.deliver(TO_INES, MAIL).permanent
        transport.deliver(Envelope("news@courier.example", "bo@reader.example"), MAIL)
    assert server.recipients == ["bo@reader.example"]


def test_a_relay_that_does_not_know_us_is_down() -> None:
    """RFC 4954: 535 to AUTH; the password is not repeated."""
    script: Script = {
        "ehlo": lambda _: "250-test\r\n250 AUTH PLAIN",
        "auth": lambda _: "535 5.7.8 wrong",
    }
    with SmtpServer(script) as server:
        url = server.url.replace("//", "//me:secret@")
        with pytest.raises(RelayDownError, match=r"535 5\.7\.8 wrong") as caught:
            SmtpTransport(parse_address(url)).deliver(TO_INES, MAIL)
    assert "secret" not in str(caught.value)


def test_a_sender_beyond_ascii_is_the_relays_affair() -> None:
    """Without SMTPUTF8 nobody could get anything, so nobody fails."""
    envelope = Envelope("küste@courier.example", "bo@reader.example")
    with SmtpServer() as server, pytest.raises(RelayDownError, match="SMTPUTF8"):
        SmtpTransport(parse_address(server.url)).deliver(envelope, MAIL)


def test_a_connection_is_renewed_after_many_messages() -> None:
    """Relays limit how many they take on one."""
    with (
        SmtpServer() as server,
        SmtpTransport(parse_address(f"{server.url}&messages=2")) as transport,
    ):
        for _ in range(5):
            transport.deliver(TO_INES, MAIL)
    assert sum(words.startswith("ehlo") for words in server.said) == 3


@pytest.mark.parametrize("stage", ["connect", "mail"])
@pytest.mark.parametrize("words", ["421 4.3.2 closing", "554 5.7.1 not you", "450 4.7.0 wait"])
def test_a_refusal_of_us_is_the_relays(stage: str, words: str) -> None:
    """No subscriber fails because our sender is not welcome."""
    with pytest.raises(RelayDownError, match=words.split(maxsplit=1)[1]):
        deliver({stage: lambda _: words})


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "end"])
def test_being_sent_away_is_the_relays(stage: str) -> None:
    """421 at any moment: nothing was taken."""
    with pytest.raises(RelayDownError, match="sent away"):
        deliver({stage: lambda _: "421 4.3.2 restarting"})


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data"])
def test_a_line_that_breaks_before_the_message_loses_nothing(stage: str, offer: str) -> None:
    """It was not handed over. With CHUNKING there is nothing between RCPT and the message."""
    if (stage, offer) == ("data", "chunking"):
        pytest.skip("no DATA with CHUNKING")
    with pytest.raises(RelayDownError):
        deliver({stage: lambda _: CLOSE})


def test_a_line_that_breaks_after_the_final_dot_leaves_a_doubt() -> None:
    """RFC 1047: nobody knows."""
    with pytest.raises(ReplyLostError):
        deliver({"end": lambda _: CLOSE})


def test_a_message_too_big_for_the_relay_is_the_messages_affair() -> None:
    """RFC 1870: 552 to MAIL."""
    assert deliver({"mail": lambda _: "552 5.3.4 too big"}).permanent


@pytest.mark.parametrize("smuggled", [b"\r.\r", b"\n.\n", b"a\rb", b"\r\n.\n", b"\n"])
def test_nothing_in_a_message_can_end_it_early(smuggled: bytes) -> None:
    """A bare CR or LF is not sent at all."""
    with SmtpServer() as server, SmtpTransport(parse_address(server.url)) as transport:
        reply = transport.deliver(TO_INES, MAIL + smuggled)
    assert reply.permanent
    assert "bare CR or LF" in reply.text
    assert not any(words.startswith("MAIL") for words in server.said)


def test_an_address_beyond_ascii_needs_a_relay_that_can() -> None:
    """Without SMTPUTF8 that subscriber fails, clearly."""
    with SmtpServer() as server, SmtpTransport(parse_address(server.url)) as transport:
        reply = transport.deliver(Envelope("news@courier.example", "josé@reader.example"), MAIL)
    assert reply.permanent
    assert "SMTPUTF8" in reply.text


def test_an_address_beyond_ascii_reaches_a_relay_that_can() -> None:
    """RFC 6531: UTF-8 in the envelope, announced in MAIL."""
    script: Script = {"ehlo": lambda _: "250-test\r\n250 SMTPUTF8"}
    with SmtpServer(script) as server, SmtpTransport(parse_address(server.url)) as transport:
        transport.deliver(Envelope("news@courier.example", "josé@reader.example"), MAIL)
    assert server.recipients == ["josé@reader.example"]
    assert any("SMTPUTF8" in words for words in server.said)


def test_no_encryption_no_mail_where_it_is_required() -> None:
    """A relay without STARTTLS hears nothing of us."""
    with SmtpServer() as server:
        address = RelayAddress("127.0.0.1", server.port, starttls=StartTls.REQUIRED)
        with pytest.raises(RelayDownError, match="no STARTTLS"):
            SmtpTransport(address).deliver(TO_INES, MAIL)
    assert server.received == []


def test_nobody_at_home_is_said_plainly() -> None:
    """With host and port."""
    with SmtpServer() as server:
        pass
    with pytest.raises(RelayDownError, match=f"127.0.0.1:{server.port} cannot be reached"):
        SmtpTransport(parse_address(server.url)).deliver(TO_INES, MAIL)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 25, False, StartTls.REQUIRED)),
        ("smtp://localhost:1025", ("localhost", 1025, False, StartTls.OPTIONAL)),
        ("smtps://mail.example", ("mail.example", 465, True, StartTls.NEVER)),
        ("smtp://mailpit:1025?starttls=never", ("mailpit", 1025, False, StartTls.NEVER)),
    ],
)
def test_a_relays_address_is_read(url: str, expected: tuple[object, ...]) -> None:
    """Encryption is required beyond this machine unless the URL says otherwise."""
    read = parse_address(url)
    assert (read.host, read.port, read.tls, read.starttls) == expected


def test_secrets_are_unquoted_and_not_shown() -> None:
    """A password may hold any character, and stays out of logs."""
    read = parse_address("smtp://me%40x:p%40%3Ass@mail.example:587")
    assert (read.user, read.password) == ("me@x", "p@:ss")
    assert "p@:ss" not in repr(read)


def test_an_address_that_cannot_be_read_keeps_its_secret() -> None:
    """A slash in a password is taken for the end of the host, and its start for a port."""
    with pytest.raises(ConfigurationError) as caught:
        parse_address("smtp://user:hunter2/x@mail.example:25")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        *("mail.example", "http://mail.example", "smtp://", "smtp://h:port", "smtp://h?tls=1"),
        "smtp://me:pässword@h",
        *("smtp://h?connections=0", "smtp://h?connections=x", "smtp://h?auth=magic"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """Saying what one looks like."""
    with pytest.raises(ConfigurationError, match="relay"):
        parse_address(url)
