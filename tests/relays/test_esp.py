"""Providers' APIs, against anymail's test backend, and a server that plays Postmark and Mailgun."""

import ssl
import subprocess
import sys
import threading
from base64 import b64decode
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from anymail.message import AnymailRecipientStatus
from anymail.signals import pre_send
from django.core import mail
from pytest_django.fixtures import Settings

from digest.core.errors import ConfigurationError
from digest.core.findings import Level
from digest.issues.models import Issue
from digest.relays.dkim.generation import generate_key
from digest.relays.errors import RelayDownError, ReplyLostError
from digest.relays.models import Relay
from digest.relays.probe import relay
from digest.relays.transports import transport_for
from digest.relays.transports.base import Envelope, OutgoingMessage, Reply, Transport
from digest.relays.transports.esp import EspTransport, parse_address
from digest.relays.transports.esp.words import word_of_status
from digest.sending import sender
from digest.sending.models import Delivery
from tests.cast import NOON, make_running
from tests.provider_server import CUT, HANG, Answer, ProviderServer, Request, Script
from tests.rendering.mails import INES, compiled, part

SENDER = "news@courier.example"
SUBJECT = "Flut in Küstennähe: ירושלים, São Tomé und die lange Liste der Häfen, die heute schließen"
NAME = "Inés Ñáñez, die „Hafenmeisterin“ vom äußersten Ende der Mole von Saltmarsh"
ISSUE = compiled(newsletter={"subject": SUBJECT}, publication={"reply_to": "desk@courier.example"})


def outgoing(key: int) -> OutgoingMessage:
    """One subscriber's mail: link, name and Message-ID are their own."""
    to = replace(
        INES,
        email=f"subscriber{key}@reader.example",
        name=NAME,
        unsubscribe_url=f"https://digest.example/unsubscribe/AbC_d-{key}",
        unsubscribe_mailto=f"mailto:unsubscribe+{key}@in.example?subject=unsubscribe",
        message_id=f"7.{key}@courier.example",
    )
    return OutgoingMessage(key, Envelope(SENDER, to.email), ISSUE.message(to))


class Book:
    """A source of messages, and what was said of each."""

    def __init__(self, number: int, denied: Collection[int] = ()) -> None:
        self.left = [outgoing(key) for key in range(1, number + 1)]
        self.denied = set(denied)
        self.begun: list[list[int]] = []
        self.words: dict[int, str] = {}
        self.ticks = 0

    def next_message(self) -> OutgoingMessage | None:
        return self.left.pop(0) if self.left else None

    def begin(self, messages: Sequence[OutgoingMessage]) -> Collection[int]:
        self.begun.append([each.key for each in messages])
        return {each.key for each in messages} - self.denied

    def record_reply(self, message: OutgoingMessage, reply: Reply) -> None:
        self._note(message, f"{reply.code} {reply.text}")

    def mark_uncertain(self, message: OutgoingMessage, reason: str) -> None:
        self._note(message, f"uncertain: {reason}")

    def return_unsent(self, message: OutgoingMessage) -> None:
        self._note(message, "back")

    def tick(self) -> None:
        self.ticks += 1

    def _note(self, message: OutgoingMessage, word: str) -> None:
        assert message.key not in self.words, "told twice"
        assert any(message.key in batch for batch in self.begun), "before it was begun"
        self.words[message.key] = word


def postmark_says(request: Request, verdicts: dict[int, dict[str, Any]] | None = None) -> Answer:
    """Accept every message of a batch but those with a verdict of their own."""
    usual = {"ErrorCode": 0, "Message": "OK"}
    return Answer.of(
        [
            (verdicts or {}).get(at)
            or usual | {"To": message["To"], "MessageID": f"pm-{message['To'][-17:-16]}"}
            for at, message in enumerate(request.json)
        ]
    )


def mailgun_says(_: Request) -> Answer:
    """Take whatever comes."""
    return Answer.of({"id": "<20261123.1@mg.courier.example>", "message": "Queued. Thank you."})


NOTHING = Request("/", Message(), b"", ("127.0.0.1", 0))
USUAL: dict[str, Script] = {"postmark": postmark_says, "mailgun": mailgun_says}


@contextmanager
def provider(
    name: str, script: Script | None = None, query: str = ""
) -> Iterator[tuple[ProviderServer, EspTransport]]:
    """Start a server that plays a provider, and a transport that talks to it."""
    host = "mg.courier.example" if name == "mailgun" else "default"
    with ProviderServer(script or USUAL[name]) as server:
        url = f"anymail+{name}://s3cr%2Ft-key@{host}?api_url={server.url}{query}"
        transport = transport_for(url)
        assert isinstance(transport, EspTransport)
        with transport:
            yield server, transport


def outbox_params() -> dict[str, Any]:
    """What anymail's test backend read out of the first mail."""
    params: dict[str, Any] = vars(mail.outbox[0])["anymail_test_params"]
    return params


# --- addresses -------------------------------------------------------------------------


def test_an_address_becomes_the_options_of_a_backend() -> None:
    """Secrets percent-encoded, the host where the provider wants one."""
    postmark = parse_address("anymail+postmark://tok%2Fen@default?message_stream=broadcast")
    assert postmark.options == {"server_token": "tok/en", "message_stream": "broadcast"}
    mailgun = parse_address(
        "anymail+mailgun://key@mg.example.com?api_url=https://api.eu.mailgun.net/v3&timeout=20"
    )
    assert mailgun.options == {
        "api_key": "key",
        "sender_domain": "mg.example.com",
        "api_url": "https://api.eu.mailgun.net/v3",
    }
    assert mailgun.seconds == 20
    amazon = parse_address("anymail+amazon_ses://ACCESS:SEC%2FRET@eu-west-1")
    assert amazon.options == {
        "access_key": "ACCESS",
        "secret_key": "SEC/RET",
        "region": "eu-west-1",
    }
    assert parse_address("anymail+amazon-ses://eu-west-1").options == {"region": "eu-west-1"}


@pytest.mark.parametrize("name", ["brevo", "mailersend", "resend", "sendgrid", "sparkpost"])
def test_every_provider_named_can_be_made(name: str) -> None:
    """Each backend takes the options that an address gives."""
    with transport_for(f"anymail+{name}://key@default") as transport:
        assert isinstance(transport, EspTransport)


@pytest.mark.parametrize(
    "url",
    [
        "anymail+pigeon://hunter2@default",
        "anymail+postmark://default",
        "anymail+postmark://hunter2:more@default",
        "anymail+postmark://hunter2@mg.example.com",
        "anymail+postmark://hunter2@default:many",
        "anymail+postmark://hunter2@default/path",
        "anymail+postmark://hunter2/hunter2@default",
        "anymail+postmark://hunter2@default?server_token=hunter2",
        "anymail+postmark://hunter2@default?hunter2",
        "anymail+postmark://hunter2@default?hunter2=1",
        "anymail+postmark://hunter2@default?timeout=hunter2",
        "anymail+postmark://hunter2@default?timeout=nan",
        "anymail+postmark://hunter2@default?api_url=http://api.example/hunter2",
        "anymail+postmark://hunter2%0d%0aX:%20y@default",
        "anymail+postmark://[hunter2@default",
        "anymail+amazon_ses://hunter2@eu-west-1",
        "anymail+amazon_ses://AKIA:hunter2/hunter2@eu-west-1",
    ],
)
def test_an_unusable_address_is_refused_without_repeating_it(url: str) -> None:
    """It may hold a secret, in the wrong place too."""
    with pytest.raises(ConfigurationError, match="DIGEST_SMTP_URL") as caught:
        transport_for(url)
    assert "hunter2" not in f"{caught.value!r}{caught.value.__cause__!r}"


def test_an_address_does_not_show_its_secrets() -> None:
    """As in a traceback with local variables."""
    assert "hunter2" not in repr(parse_address("anymail+postmark://hunter2@default"))


# --- what arrives ----------------------------------------------------------------------


def test_postmark_gets_each_subscribers_own_mail_in_one_call() -> None:
    """Bodies, links, names and Message-IDs are each subscriber's."""
    with provider("postmark", query="&message_stream=broadcast") as (server, transport):
        book = Book(3)
        transport.deliver_all(book)
    [request] = server.requests
    assert request.path == "/email/batch"
    assert request.headers["X-Postmark-Server-Token"] == "s3cr/t-key"
    assert book.words == {key: f"250 2.0.0 sent as pm-{key}" for key in (1, 2, 3)}
    for key, message in enumerate(request.json, start=1):
        sent = outgoing(key).content
        headers = {each["Name"]: each["Value"] for each in message["Headers"]}
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
        "List-Archive",
        "List-Id",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "Message-ID",
        "Precedence",
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


# --- carrying --------------------------------------------------------------------------


def test_a_load_is_carried_in_bounded_batches() -> None:
    """Begun before any call, eight calls at once, over connections that are kept."""
    with provider("mailgun") as (server, transport):
        book = Book(20)
        transport.deliver_all(book)
    assert [len(batch) for batch in book.begun] == [8, 8, 4]
    assert len(book.words) == 20
    assert all(word.startswith("250 2.0.0 queued") for word in book.words.values())
    assert len({request.client for request in server.requests}) <= 8
    assert book.ticks


def test_a_batch_of_postmarks_is_bounded_too() -> None:
    """As many are uncertain if an answer is lost."""
    with provider("postmark") as (server, transport):
        transport.deliver_all(Book(30))
    assert [len(request.json) for request in server.requests] == [25, 5]


@pytest.mark.parametrize("name", ["postmark", "mailgun"])
def test_what_may_not_go_is_given_back(name: str) -> None:
    """No word of it reaches the provider."""
    with provider(name) as (server, transport):
        book = Book(3, denied=[2])
        transport.deliver_all(book)
        transport.deliver_all(nobody := Book(2, denied=[1, 2]))
    assert book.words[2] == "back"
    assert nobody.words == {1: "back", 2: "back"}
    assert not any(b"subscriber2@" in request.body for request in server.requests)
    assert b"AbC_d-1" in b"".join(request.body for request in server.requests)


def test_eight_calls_are_under_way_at_once() -> None:
    """None is answered before all eight are there."""
    together = threading.Barrier(8)

    def script(asked: Request) -> Answer:
        together.wait(10)
        return mailgun_says(asked)

    with provider("mailgun", script) as (_, transport):
        transport.deliver_all(book := Book(16))
    assert len(book.words) == 16


def test_cookies_are_not_kept() -> None:
    """Calls of several threads have one session."""
    script = replace(mailgun_says(NOTHING), headers={"Set-Cookie": "at=here; Path=/"})
    with provider("mailgun", lambda _: script) as (server, transport):
        transport.deliver_all(Book(9))
    assert not any(request.headers["Cookie"] for request in server.requests)


def test_an_empty_load_is_no_call() -> None:
    """Nothing is due."""
    with provider("postmark") as (server, transport):
        transport.deliver_all(Book(0))
    assert not server.requests


# --- what is said ----------------------------------------------------------------------

INACTIVE = {
    "ErrorCode": 406,
    "Message": "You tried to send to a recipient that has been marked as inactive.\n"
    "Found inactive addresses: subscriber2@reader.example.\n"
    "Inactive recipients are ones that have generated a hard bounce or a spam complaint.",
}
NO_ADDRESS = {"ErrorCode": 300, "Message": "Invalid 'To' address: 'subscriber2@reader.example'."}
ODD = {"ErrorCode": 300, "Message": "Invalid metadata content."}
VAGUE = {"ErrorCode": 406, "Message": "Inactive."}


@pytest.mark.parametrize(
    ("verdict", "word"),
    [(INACTIVE, "550 5.1.0"), (VAGUE, "550 5.1.0"), (NO_ADDRESS, "550 5.1.3"), (ODD, "451 4.3.0")],
)
def test_postmark_refuses_one_of_many(verdict: dict[str, Any], word: str) -> None:
    """The others are sent."""
    with provider("postmark", lambda asked: postmark_says(asked, {1: verdict})) as (_, transport):
        transport.deliver_all(book := Book(3))
    assert book.words[2].startswith(word)
    assert [book.words[key][:3] for key in (1, 3)] == ["250", "250"]


def test_postmark_refuses_us_among_many() -> None:
    """Our sender is not confirmed: those that are not sent go back, and nobody fails."""
    unconfirmed = {"ErrorCode": 401, "Message": "Sender signature not confirmed."}
    with (
        provider("postmark", lambda asked: postmark_says(asked, {1: unconfirmed})) as (
            _,
            transport,
        ),
        pytest.raises(RelayDownError, match="not confirmed"),
    ):
        transport.deliver_all(book := Book(3))
    assert book.words[2] == "back"
    assert [book.words[key][:3] for key in (1, 3)] == ["250", "250"]


@pytest.mark.parametrize("verdict", [7, None, {}, "x", {"ErrorCode": 0, "Message": "OK"}])
def test_a_verdict_that_cannot_be_read_is_a_doubt(verdict: Any) -> None:
    """About that one message."""

    def script(asked: Request) -> Answer:
        usual = postmark_says(asked)
        one, _, three = Request("", asked.headers, usual.body, asked.client).json
        return Answer.of([one, verdict, three])

    with (
        provider("postmark", script) as (_, transport),
        pytest.raises(RelayDownError),
    ):
        transport.deliver_all(book := Book(3))
    assert [book.words[key][:5] for key in (1, 2, 3)] == ["250 2", "doubt", "250 2"]


def test_more_verdicts_than_messages_are_none() -> None:
    """Nobody knows whose they are."""
    verdicts = [{"ErrorCode": 0, "Message": "OK", "MessageID": "x", "To": "a@b.example"}] * 3
    with (
        provider("postmark", lambda _: Answer.of(verdicts)) as (_, transport),
        pytest.raises(RelayDownError),
    ):
        transport.deliver_all(book := Book(2))
    assert all(word.startswith("doubt") for word in book.words.values())


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (
            Answer.of({"message": "to parameter is not a valid address. please check"}, 400),
            "550 5.1.3",
        ),
        (Answer.of({"message": "from parameter is not a valid address"}, 400), "451 4.3.0"),
        (Answer(413, b"too large"), "552 5.3.4"),
    ],
)
def test_mailgun_refuses_one_of_many(answer: Answer, word: str) -> None:
    """The others are sent."""

    def script(asked: Request) -> Answer:
        return answer if b"subscriber2@" in asked.fields["to"] else mailgun_says(asked)

    with provider("mailgun", script) as (_, transport):
        transport.deliver_all(book := Book(3))
    assert book.words[2].startswith(word)
    assert [book.words[key][:3] for key in (1, 3)] == ["250", "250"]


BAD_DAYS: list[tuple[Answer | str, str]] = [
    (Answer(401, b'{"ErrorCode": 10, "Message": "Bad token s3cr/t-key"}'), "back"),
    (Answer(403), "back"),
    (Answer(404, b"Domain not found"), "back"),
    (Answer(429, b"{}", {"Retry-After": "30"}), "back"),
    (Answer(500, b"<html>oops"), "back"),
    (Answer(503), "back"),
    (Answer(307, b"", {"Location": "/elsewhere"}), "back"),
    (Answer(504, b"gateway timeout"), "doubt"),
    (Answer(200, b"<html>fine"), "doubt"),
    (Answer(200, b"[]"), "doubt"),
    (Answer(200, b"7"), "doubt"),
    (Answer(200, b'{"unexpected": true}'), "doubt"),
    (CUT, "doubt"),
    (HANG, "doubt"),
]


@pytest.mark.parametrize("name", ["postmark", "mailgun"])
@pytest.mark.parametrize(("answer", "word"), BAD_DAYS)
def test_a_bad_day_of_the_provider_fails_nobody(name: str, answer: Answer | str, word: str) -> None:
    """What was surely not taken goes back; where nobody knows, that is noted. Then it may rest."""
    with provider(name, lambda _: answer, "&timeout=0.3") as (server, transport):
        with pytest.raises(RelayDownError) as caught:
            transport.deliver_all(book := Book(30))
        taken = len(book.words)
        assert taken < 30, "it goes on all the same"
        assert all(each.startswith(word) for each in book.words.values())
        assert sorted(book.words) == [key for batch in book.begun for key in batch]
        expected = RelayDownError if word == "back" else ReplyLostError
        with pytest.raises(expected):
            transport.deliver(outgoing(1).envelope, outgoing(1).content)
    assert not any(request.path == "/elsewhere" for request in server.requests)
    assert "s3cr" not in str(caught.value)


def test_how_long_to_wait_is_passed_on() -> None:
    """Retry-After, as seconds or a date, for whoever reads why the relay rests."""
    script = Answer(429, b"{}", {"Retry-After": "30"})
    with (
        provider("postmark", lambda _: script) as (_, transport),
        pytest.raises(RelayDownError, match=r"429.*Retry-After: 30"),
    ):
        transport.deliver(outgoing(1).envelope, outgoing(1).content)


@pytest.mark.parametrize("name", ["postmark", "mailgun"])
def test_a_provider_out_of_reach_has_nothing(name: str) -> None:
    """The connection is refused: everything goes back."""
    with ProviderServer(USUAL[name]) as server:
        pass
    book = Book(3)
    with transport_for(f"anymail+{name}://key@default?api_url={server.url}") as transport:
        with pytest.raises(RelayDownError):
            transport.deliver_all(book)
        with pytest.raises(RelayDownError):
            transport.deliver(outgoing(1).envelope, outgoing(1).content)
    assert set(book.words.values()) == {"back"}


def test_only_a_certificate_that_is_vouched_for_gets_our_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the key and the mail stay here, and nobody is uncertain."""
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
                transport.deliver_all(book := Book(2))
            assert not server.requests
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
            transport.deliver_all(better := Book(2))
    assert set(book.words.values()) == {"back"}
    assert [word[:3] for word in better.words.values()] == ["250", "250"]


def test_after_a_bad_day_it_goes_on() -> None:
    """A session that broke is no obstacle to the next load."""
    answers: list[Answer | str] = [CUT, Answer(500)]

    def script(asked: Request) -> Answer | str:
        return answers.pop() if answers else postmark_says(asked)

    with provider("postmark", script) as (_, transport):
        for _ in range(2):
            with pytest.raises(RelayDownError):
                transport.deliver_all(Book(1))
        transport.deliver_all(book := Book(1))
    assert book.words[1].startswith("250")


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("sent", "250 2.0.0 sent as 9"),
        ("queued", "250 2.0.0 queued as 9"),
        ("rejected", "550 5.1.0"),
        ("invalid", "550 5.1.3"),
        ("failed", "451 4.3.0"),
        ("unknown", "doubt"),
        (None, "doubt"),
    ],
)
def test_every_status_of_anymails_has_a_word(status: str | None, word: str) -> None:
    """Through the test backend, which says what it is told to."""

    def tell(message: Any, **_: Any) -> None:
        found = AnymailRecipientStatus("9", status)
        message.anymail_test_response = {"recipient_status": {message.to[0]: found}}

    pre_send.connect(tell)
    try:
        with transport_for("anymail+test://x@default") as transport:
            book = Book(1)
            if word == "doubt":
                with pytest.raises(RelayDownError):
                    transport.deliver_all(book)
            else:
                transport.deliver_all(book)
    finally:
        pre_send.disconnect(tell)
    assert book.words[1].startswith(word)
    said = word_of_status(status, "9")
    assert isinstance(said, ReplyLostError) == (word == "doubt")


def test_what_anymail_will_not_send_is_tried_again() -> None:
    """Whatever the reason is, somebody can mend it within the days of the retries."""
    with ProviderServer(mailgun_says) as server:
        url = f"anymail+brevo://key@default?api_url={server.url}"
        message = outgoing(1).content.replace(
            b"Precedence: bulk", b"X-Place: =?utf-8?q?K=C3=BCste?="
        )
        with transport_for(url) as transport:
            reply = transport.deliver(outgoing(1).envelope, message)
    assert (reply.code, reply.enhanced) == (451, "4.3.3")
    assert not server.requests


# --- the rest of the house -------------------------------------------------------------


def test_the_doctor_asks_whether_the_api_answers(settings: Settings, db: None) -> None:
    """Well and badly."""
    with ProviderServer(postmark_says) as server:
        settings.DIGEST_SMTP_URL = f"anymail+postmark://key@default?api_url={server.url}"
        assert [one.level for one in relay(NOON)] == [Level.OK]
        transport = transport_for(settings.DIGEST_SMTP_URL)
        assert isinstance(transport, EspTransport)
        transport.close()
    assert [one.level for one in relay(NOON)] == [Level.FAIL]
    settings.DIGEST_SMTP_URL = "anymail+postmark://hunter2:x@default"
    [finding] = relay(NOON)
    assert finding.level == Level.FAIL
    assert "hunter2" not in str(finding)


def test_an_issue_goes_out_through_a_provider(settings: Settings, db: None, tmp_path: Path) -> None:
    """The ledger has a word for each subscriber: sent, refused, and sent the second time.

    The provider writes parts anew and signs by itself: a signature of ours would not hold.
    """
    issue = make_running(4)
    domain = issue.newsletter.publication.sender_domain
    generate_key(tmp_path / "key.pem", domain, "s1")
    settings.DIGEST_DKIM_KEYS = [f"{domain}:s1:{tmp_path / 'key.pem'}"]
    inactive = {"ErrorCode": 406, "Message": "Inactive recipient."}
    busy = {"ErrorCode": 429, "Message": "Rate limit exceeded."}
    answers = [{1: inactive, 2: busy}]

    def script(asked: Request) -> Answer:
        return postmark_says(asked, answers.pop() if answers else None)

    with ProviderServer(script) as server:
        settings.DIGEST_SMTP_URL = f"anymail+postmark://key@default?api_url={server.url}"
        sender.send_due()
        assert states(issue) == {"sent": 2, "failed": 1, "queued": 1}
        Relay.objects.update(retry_at=None)
        sender.send_due()
    assert states(issue) == {"sent": 3, "failed": 1}
    carried = [message for asked in server.requests for message in asked.json]
    assert len(carried) == 5
    assert "dkim" not in str(carried).lower()


def states(issue: Issue) -> dict[str, int]:
    """An issue's deliveries by their state."""
    found = Delivery.objects.filter(issue=issue).values_list("state", flat=True)
    return dict(Counter(Delivery.State(state).name.lower() for state in found))


def test_amazon_without_boto_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not among the requirements."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "anymail.backends.amazon_ses", raising=False)
    with pytest.raises(ConfigurationError, match="boto3"):
        transport_for("anymail+amazon_ses://ACCESS:SECRET@eu-west-1")


@contextmanager
def amazon(script: Script) -> Iterator[tuple[ProviderServer, Transport]]:
    """Start a server that plays SES; only where boto3 is installed."""
    pytest.importorskip("boto3")
    with ProviderServer(script) as server:
        url = f"anymail+amazon_ses://ACCESS:s3cr%2Ft-key@eu-west-1?api_url={server.url}&timeout=0.3"
        with transport_for(url) as transport:
            yield server, transport


def test_amazon_gets_our_octets() -> None:
    """As raw content, for the envelope's recipient, asked for once."""
    with amazon(lambda _: Answer.of({"MessageId": "0100-ses"})) as (server, transport):
        transport.deliver_all(book := Book(3))
    assert set(book.words.values()) == {"250 2.0.0 queued as 0100-ses"}
    for request in server.requests:
        [to] = request.json["Destination"]["ToAddresses"]
        sent = b64decode(request.json["Content"]["Raw"]["Data"])
        assert sent == outgoing(int(to[6])).content


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (Answer.of({"message": "x"}, 403, x_amzn_ErrorType="InvalidClientTokenId"), "back"),
        (Answer.of({"message": "x"}, 429, x_amzn_ErrorType="TooManyRequestsException"), "back"),
        (Answer.of({"message": "x"}, 400, x_amzn_ErrorType="SendingPausedException"), "back"),
        (Answer.of({"message": "x"}, 500), "back"),
        (Answer.of({"message": "x"}, 400, x_amzn_ErrorType="MessageRejected"), "451"),
        (Answer.of({"odd": "x"}), "doubt"),
        (CUT, "doubt"),
        (HANG, "doubt"),
    ],
)
def test_amazons_words_are_read(answer: Answer | str, word: str) -> None:
    """And no call is repeated behind our back."""
    with amazon(lambda _: answer) as (server, transport):
        book = Book(1)
        with nullcontext() if word == "451" else pytest.raises(RelayDownError):
            transport.deliver_all(book)
    assert book.words[1].startswith(word)
    assert len(server.requests) == 1


def test_amazon_out_of_reach_has_nothing() -> None:
    """The connection is refused."""
    with amazon(lambda _: CUT) as (server, transport):
        server.stop()
        with pytest.raises(RelayDownError):
            transport.deliver_all(book := Book(2))
    assert set(book.words.values()) == {"back"}
