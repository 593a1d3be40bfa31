"""SMTP, against a scripted server; with and without the extensions that relays may offer."""

from itertools import count

import pytest

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
    """Let the relays of this test offer the extensions."""
    default = SmtpServer.EXTENSIONS
    monkeypatch.setattr(SmtpServer, "EXTENSIONS", (*default, *OFFERS[request.param]))
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
    assert [
        command for command in server.commands if command.startswith("ehlo")
    ] == server.commands[:1]


@pytest.mark.parametrize("stage", ["rcpt", "data", "end"])
@pytest.mark.parametrize("refusal", ["450 4.2.1 later", "454 4.7.0 slow down", "550 5.1.1 nobody"])
def test_a_refusal_of_a_subscriber_concerns_that_subscriber(stage: str, refusal: str) -> None:
    """The next one goes through on the same connection."""
    script: Script = {stage: lambda address: refusal if "ines" in address else None}
    with SmtpServer(script) as server, SmtpTransport(parse_address(server.url)) as transport:
        reply = transport.deliver(TO_INES, MAIL)
        assert transport.deliver(Envelope("news@courier.example", "bo@reader.example"), MAIL)
    assert f"{reply.code} {reply.text}" == refusal
    assert reply.enhanced == refusal[4:9]
    assert server.recipients == ["bo@reader.example"]


def test_nobody_gets_a_message_that_was_refused_too_late() -> None:
    """A relay that replies 354 after a refusal gets an empty message to nobody."""
    script: Script = {"rcpt": lambda address: "550 5.1.1 nobody" if "ines" in address else None}
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
        "rcpt": lambda address: "550 5.1.1 nobody" if "ines" in address else None,
        "rset": lambda _: answer,
    }
    with SmtpServer(script) as server, SmtpTransport(parse_address(server.url)) as transport:
        assert transport.deliver(TO_INES, MAIL).permanent
        transport.deliver(Envelope("news@courier.example", "bo@reader.example"), MAIL)
    assert server.recipients == ["bo@reader.example"]


def test_a_relay_that_refuses_our_login_is_down() -> None:
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


def test_a_sender_beyond_ascii_concerns_the_relay() -> None:
    """Without SMTPUTF8 no message could be sent, so no recipient fails."""
    envelope = Envelope("küste@courier.example", "bo@reader.example")
    with SmtpServer() as server, pytest.raises(RelayDownError, match="SMTPUTF8"):
        SmtpTransport(parse_address(server.url)).deliver(envelope, MAIL)


def test_a_connection_is_renewed_after_many_messages() -> None:
    """Relays limit how many messages they accept over one."""
    with (
        SmtpServer() as server,
        SmtpTransport(parse_address(f"{server.url}&messages=2")) as transport,
    ):
        for _ in range(5):
            transport.deliver(TO_INES, MAIL)
    assert sum(command.startswith("ehlo") for command in server.commands) == 3


@pytest.mark.parametrize("stage", ["connect", "mail"])
@pytest.mark.parametrize("reply", ["421 4.3.2 closing", "554 5.7.1 not you", "450 4.7.0 wait"])
def test_a_refusal_of_us_concerns_the_relay(stage: str, reply: str) -> None:
    """No recipient fails because the relay refuses our sender."""
    with pytest.raises(RelayDownError, match=reply.split(maxsplit=1)[1]):
        deliver({stage: lambda _: reply})


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "end"])
def test_being_sent_away_concerns_the_relay(stage: str) -> None:
    """421 at any moment: nothing was accepted."""
    with pytest.raises(RelayDownError, match="sent away"):
        deliver({stage: lambda _: "421 4.3.2 restarting"})


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data"])
def test_a_connection_that_breaks_before_the_message_loses_nothing(stage: str, offer: str) -> None:
    """It was not handed over. With CHUNKING there is nothing between RCPT and the message."""
    if (stage, offer) == ("data", "chunking"):
        pytest.skip("no DATA with CHUNKING")
    with pytest.raises(RelayDownError):
        deliver({stage: lambda _: CLOSE})


def test_a_connection_that_breaks_after_the_final_dot_is_uncertain() -> None:
    """RFC 1047: nobody knows."""
    with pytest.raises(ReplyLostError):
        deliver({"end": lambda _: CLOSE})


@pytest.mark.parametrize("closing", ["421 4.3.2 closing", "<html>"])
def test_the_reply_counts_although_the_relay_goes_down_behind_it(closing: str) -> None:
    """Otherwise the message would be delivered once more."""
    numbers = count()
    script: Script = {
        "end": lambda _: f"250 2.0.0 ok\r\n{closing}",
        "connect": lambda _: "421 4.3.2 closing" if next(numbers) else None,
    }
    assert deliver(script).accepted


def test_a_message_too_big_for_the_relay_fails() -> None:
    """RFC 1870: 552 to MAIL."""
    assert deliver({"mail": lambda _: "552 5.3.4 too big"}).permanent


@pytest.mark.parametrize("smuggled", [b"\r.\r", b"\n.\n", b"a\rb", b"\r\n.\n", b"\n"])
def test_nothing_in_a_message_can_end_it_early(smuggled: bytes) -> None:
    """A bare CR or LF is not sent at all."""
    with SmtpServer() as server, SmtpTransport(parse_address(server.url)) as transport:
        reply = transport.deliver(TO_INES, MAIL + smuggled)
    assert reply.permanent
    assert "bare CR or LF" in reply.text
    assert not any(command.startswith("MAIL") for command in server.commands)


def test_an_address_beyond_ascii_needs_a_relay_that_can() -> None:
    """Without SMTPUTF8 that recipient fails, with a clear reply."""
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
    assert any("SMTPUTF8" in command for command in server.commands)


def test_without_required_encryption_no_mail_is_sent() -> None:
    """A relay without STARTTLS gets nothing of it."""
    with SmtpServer() as server:
        address = RelayAddress("127.0.0.1", server.port, starttls=StartTls.REQUIRED)
        with pytest.raises(RelayDownError, match="no STARTTLS"):
            SmtpTransport(address).deliver(TO_INES, MAIL)
    assert server.received == []


def test_a_relay_that_does_not_answer_is_named() -> None:
    """With host and port."""
    with SmtpServer() as server:
        pass
    with pytest.raises(RelayDownError, match=f"127.0.0.1:{server.port} cannot be reached: Connect"):
        SmtpTransport(parse_address(server.url)).deliver(TO_INES, MAIL)


@pytest.mark.parametrize("host", ["smtp..courier.example", "x" * 64 + ".example"])
def test_a_host_that_is_not_a_name_is_out_of_reach(host: str) -> None:
    """With advice, as any other relay that cannot be connected to."""
    with pytest.raises(RelayDownError, match="cannot be used") as caught:
        SmtpTransport(parse_address(f"smtp://{host}:25")).check()
    assert "Check the spelling" in caught.value.advice


def test_a_challenge_that_cannot_be_read_is_a_failed_login() -> None:
    """RFC 4954 §4 asks for Base64."""
    script: Script = {
        "ehlo": lambda _: "250-test\r\n250 AUTH CRAM-MD5",
        "auth": lambda _: "334 x",
    }
    with SmtpServer(script) as server, pytest.raises(RelayDownError, match="cannot be used"):
        SmtpTransport(parse_address(server.url.replace("//", "//me:secret@"))).check()


def test_a_refusal_of_us_keeps_the_reply() -> None:
    """With its code, its enhanced code, and whether another attempt makes sense."""
    for stage in ("connect", "mail"):
        with pytest.raises(RelayDownError) as caught:
            deliver({stage: lambda _: "554 5.7.1 not you"})
        reply = caught.value.reply
        assert reply == Reply(554, "5.7.1 not you")
        assert (reply.enhanced, reply.permanent) == ("5.7.1", True)
