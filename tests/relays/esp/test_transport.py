"""Delivery through a provider's API, against anymail's test backend and scripted providers."""

import ssl
import subprocess
import threading
from dataclasses import replace
from email.message import Message
from pathlib import Path

import pytest

from digest.relays.errors import RelayDownError
from digest.relays.transports import transport_for
from digest.relays.transports.base import Reply
from tests.provider_server import CUT, Answer, ProviderServer, Request
from tests.relays.esp.support import (
    DEFAULT_SCRIPTS,
    NAME,
    SUBJECT,
    RecordingSource,
    mailgun_says,
    outbox_params,
    outgoing,
    postmark_says,
    provider,
)
from tests.rendering.mails import part

NO_REQUEST = Request("/", Message(), b"", ("127.0.0.1", 0))


def test_postmark_gets_each_subscribers_own_mail_in_one_call() -> None:
    """Bodies, links, names and Message-IDs are each subscriber's."""
    with provider("postmark", query="&message_stream=broadcast") as (server, transport):
        source = RecordingSource(3)
        transport.deliver_all(source)
    [request] = server.requests
    assert request.path == "/email/batch"
    assert request.headers["X-Postmark-Server-Token"] == "s3cr/t-key"
    assert source.results == {key: f"250 2.0.0 sent as pm-{key}" for key in (1, 2, 3)}
    for key, message in enumerate(request.json, start=1):
        sent = outgoing(key).content
        headers = {header["Name"]: header["Value"] for header in message["Headers"]}
        assert message["Subject"] == SUBJECT
        assert message["From"] == "The Saltmarsh Courier <news@courier.example>"
        assert message["To"] == f'"{NAME}" <subscriber{key}@reader.example>'
        assert message["ReplyTo"] == "desk@courier.example"
        assert message["MessageStream"] == "broadcast"
        assert message["TextBody"] == part(sent, "plain")
        assert message["HtmlBody"] == part(sent, "html")
        assert f"/unsubscribe/AbC_d-{key}" in message["HtmlBody"]
        assert headers["Message-ID"] == f"<7.{key}@courier.example>"
        assert headers["X-PM-KeepID"] == "true"
        assert headers["List-Unsubscribe"] == (
            f"<https://digest.example/unsubscribe/AbC_d-{key}>,"
            f" <mailto:unsubscribe+{key}@in.example?subject=unsubscribe>"
        )
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert headers["List-Id"] == "The Morning Tide <morning-tide.courier.example>"
        assert headers["Auto-Submitted"] == "auto-generated"
        assert not headers.keys() & {"From", "To", "Subject", "Date", "MIME-Version", "Reply-To"}


def test_mailgun_gets_our_octets() -> None:
    """The message goes as a file, to the envelope's recipient; header folding and all."""
    with provider("mailgun") as (server, transport):
        reply = transport.deliver(outgoing(7).envelope, outgoing(7).content)
    [request] = server.requests
    assert request.path == "/mg.courier.example/messages.mime"
    assert request.fields == {"to": b"subscriber7@reader.example", "message": outgoing(7).content}
    assert reply == Reply(250, "2.0.0 queued as <20261123.1@mg.courier.example>")


def test_the_test_backend_gets_the_message_taken_apart() -> None:
    """Anymail's own reading of it: names with commas and quotes, text, HTML, every other field."""
    with transport_for("anymail+test://x@default") as transport:
        reply = transport.deliver(outgoing(7).envelope, outgoing(7).content)
    assert reply == Reply(250, "2.0.0 sent as 0")
    sent = outbox_params()
    [to] = sent["to"]
    assert (to.display_name, to.addr_spec) == (NAME, "subscriber7@reader.example")
    assert sent["subject"] == SUBJECT
    assert sent["text_body"] == part(outgoing(7).content, "plain")
    assert sent["html_body"] == part(outgoing(7).content, "html")
    assert set(sent["extra_headers"]) == {
        "Auto-Submitted",
        "Content-Language",
        "Feedback-ID",
        "List-Archive",
        "List-Id",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "Message-ID",
        "Precedence",
        "X-Auto-Response-Suppress",
    }
    assert not sent["is_batch_send"]


@pytest.mark.parametrize(
    ("head", "text", "html"),
    [
        (b"", "Tide\n", None),
        (b"Content-Type: text/html\r\n", None, "Tide\n"),
    ],
)
def test_a_message_of_one_part_stays_one(head: bytes, text: str | None, html: str | None) -> None:
    """Text alone, HTML alone."""
    message = b"From: a@b.example\r\nSubject: x\r\n" + head + b"\r\nTide\r\n"
    with transport_for("anymail+test://x@default") as transport:
        transport.deliver(outgoing(1).envelope, message)
    sent = outbox_params()
    assert (sent.get("text_body"), sent.get("html_body")) == (text, html)


def test_a_form_that_no_api_has_a_place_for_is_refused() -> None:
    """Better than half a message; the others go."""
    message = b"From: a@b.example\r\nContent-Type: image/png\r\n\r\nx\r\n"
    for url in ("anymail+test://x@default", "anymail+postmark://x@default"):
        with transport_for(url) as transport:
            reply = transport.deliver(outgoing(1).envelope, message)
        assert (reply.code, reply.enhanced) == (554, "5.6.1")


# --- several messages ------------------------------------------------------------------


def test_messages_are_sent_in_bounded_batches() -> None:
    """They begin before any call; eight calls run at once, over connections that stay open."""
    with provider("mailgun") as (server, transport):
        source = RecordingSource(20)
        transport.deliver_all(source)
    assert [len(batch) for batch in source.batches] == [8, 8, 4]
    assert len(source.results) == 20
    assert all(result.startswith("250 2.0.0 queued") for result in source.results.values())
    assert len({request.client for request in server.requests}) <= 8
    assert source.ticks


def test_a_batch_of_postmark_is_bounded_too() -> None:
    """A whole batch is uncertain if its answer is lost."""
    with provider("postmark") as (server, transport):
        transport.deliver_all(RecordingSource(30))
    assert [len(request.json) for request in server.requests] == [25, 5]


@pytest.mark.parametrize("name", ["postmark", "mailgun"])
def test_a_denied_message_is_returned_unsent(name: str) -> None:
    """Nothing of it reaches the provider."""
    with provider(name) as (server, transport):
        source = RecordingSource(3, denied=[2])
        transport.deliver_all(source)
        transport.deliver_all(all_denied := RecordingSource(2, denied=[1, 2]))
    assert source.results[2] == "unsent"
    assert all_denied.results == {1: "unsent", 2: "unsent"}
    assert not any(b"subscriber2@" in request.body for request in server.requests)
    assert b"AbC_d-1" in b"".join(request.body for request in server.requests)


def test_eight_calls_are_under_way_at_once() -> None:
    """None gets an answer before all eight have arrived."""
    together = threading.Barrier(8)

    def script(request: Request) -> Answer:
        together.wait(10)
        return mailgun_says(request)

    with provider("mailgun", script) as (_, transport):
        transport.deliver_all(source := RecordingSource(16))
    assert len(source.results) == 16


def test_cookies_are_not_kept() -> None:
    """Calls of several threads share a session."""
    script = replace(mailgun_says(NO_REQUEST), headers={"Set-Cookie": "at=here; Path=/"})
    with provider("mailgun", lambda _: script) as (server, transport):
        transport.deliver_all(RecordingSource(9))
    assert not any(request.headers["Cookie"] for request in server.requests)


def test_an_empty_source_causes_no_call() -> None:
    """Nothing is due."""
    with provider("postmark") as (server, transport):
        transport.deliver_all(RecordingSource(0))
    assert not server.requests


@pytest.mark.parametrize("name", ["postmark", "mailgun"])
def test_a_provider_out_of_reach_gets_nothing(name: str) -> None:
    """The connection is refused: every message is returned unsent."""
    with ProviderServer(DEFAULT_SCRIPTS[name]) as server:
        pass
    source = RecordingSource(3)
    with transport_for(f"anymail+{name}://key@default?api_url={server.url}") as transport:
        with pytest.raises(RelayDownError):
            transport.deliver_all(source)
        with pytest.raises(RelayDownError):
            transport.deliver(outgoing(1).envelope, outgoing(1).content)
    assert set(source.results.values()) == {"unsent"}


def test_only_a_trusted_certificate_gets_our_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise key and mail stay here, and no message is uncertain."""
    key, certificate = str(tmp_path / "key"), str(tmp_path / "certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ProviderServer(postmark_says, tls=context) as server:
        url = f"anymail+postmark://key@default?api_url={server.url}"
        with transport_for(url) as transport:
            with pytest.raises(RelayDownError, match="certificate"):
                transport.deliver_all(source := RecordingSource(2))
            assert not server.requests
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
            transport.deliver_all(trusted := RecordingSource(2))
    assert set(source.results.values()) == {"unsent"}
    assert [result[:3] for result in trusted.results.values()] == ["250", "250"]


def test_after_a_failure_it_continues() -> None:
    """A broken session does not stop the next delivery."""
    answers: list[Answer | str] = [CUT, Answer(500)]

    def script(request: Request) -> Answer | str:
        return answers.pop() if answers else postmark_says(request)

    with provider("postmark", script) as (_, transport):
        for _ in range(2):
            with pytest.raises(RelayDownError):
                transport.deliver_all(RecordingSource(1))
        transport.deliver_all(source := RecordingSource(1))
    assert source.results[1].startswith("250")
