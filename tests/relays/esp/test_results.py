"""What a provider's answer means for the message."""

from datetime import timedelta
from typing import Any

import pytest
from anymail.message import AnymailRecipientStatus
from anymail.signals import pre_send

from digest.core import clock
from digest.relays import health, registry
from digest.relays.errors import RelayDownError, ReplyLostError
from digest.relays.registry import RelayOptions
from digest.relays.transports import transport_for
from digest.relays.transports.esp.results import result_of_status
from tests.cast import NOON
from tests.provider_server import CUT, HANG, Answer, ProviderServer, Request
from tests.relays.esp.support import (
    RecordingSource,
    mailgun_says,
    outgoing,
    postmark_says,
    provider,
)

INACTIVE = {
    "ErrorCode": 406,
    "Message": "You tried to send to a recipient that has been marked as inactive.\n"
    "Found inactive addresses: subscriber2@reader.example.\n"
    "Inactive recipients are ones that have generated a hard bounce or a spam complaint.",
}
INVALID = {"ErrorCode": 300, "Message": "Invalid 'To' address: 'subscriber2@reader.example'."}
METADATA = {"ErrorCode": 300, "Message": "Invalid metadata content."}
UNEXPLAINED = {"ErrorCode": 406, "Message": "Inactive."}


@pytest.mark.parametrize(
    ("verdict", "result"),
    [
        (INACTIVE, "550 5.1.0"),
        (UNEXPLAINED, "550 5.1.0"),
        (INVALID, "550 5.1.3"),
        (METADATA, "451 4.3.0"),
    ],
)
def test_postmark_refuses_a_message_of_many(verdict: dict[str, Any], result: str) -> None:
    """The others are sent."""
    with provider("postmark", lambda request: postmark_says(request, {1: verdict})) as (
        _,
        transport,
    ):
        transport.deliver_all(source := RecordingSource(3))
    assert source.results[2].startswith(result)
    assert [source.results[key][:3] for key in (1, 3)] == ["250", "250"]


def test_postmark_refuses_us_among_many() -> None:
    """Our sender is not confirmed: what is not sent is returned, and no recipient fails."""
    unconfirmed = {"ErrorCode": 401, "Message": "Sender signature not confirmed."}
    with (
        provider("postmark", lambda request: postmark_says(request, {1: unconfirmed})) as (
            _,
            transport,
        ),
        pytest.raises(RelayDownError, match="not confirmed"),
    ):
        transport.deliver_all(source := RecordingSource(3))
    assert source.results[2] == "unsent"
    assert [source.results[key][:3] for key in (1, 3)] == ["250", "250"]


@pytest.mark.parametrize("verdict", [7, None, {}, "x", {"ErrorCode": 0, "Message": "OK"}])
def test_a_verdict_that_cannot_be_read_is_uncertain(verdict: Any) -> None:
    """For that message alone."""

    def script(request: Request) -> Answer:
        body = postmark_says(request).body
        first, _, third = Request("", request.headers, body, request.client).json
        return Answer.of([first, verdict, third])

    with (
        provider("postmark", script) as (_, transport),
        pytest.raises(RelayDownError),
    ):
        transport.deliver_all(source := RecordingSource(3))
    assert [source.results[key][:5] for key in (1, 2, 3)] == ["250 2", "uncer", "250 2"]


def test_more_verdicts_than_messages_mean_nothing() -> None:
    """Nobody knows which messages they belong to."""
    verdicts = [{"ErrorCode": 0, "Message": "OK", "MessageID": "x", "To": "a@b.example"}] * 3
    with (
        provider("postmark", lambda _: Answer.of(verdicts)) as (_, transport),
        pytest.raises(RelayDownError),
    ):
        transport.deliver_all(source := RecordingSource(2))
    assert all(result.startswith("uncertain") for result in source.results.values())


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (
            Answer.of({"message": "to parameter is not a valid address. please check"}, 400),
            "550 5.1.3",
        ),
        (Answer.of({"message": "from parameter is not a valid address"}, 400), "451 4.3.0"),
        (Answer(413, b"too large"), "552 5.3.4"),
    ],
)
def test_mailgun_refuses_a_message_of_many(answer: Answer, result: str) -> None:
    """The others are sent."""

    def script(request: Request) -> Answer:
        return answer if b"subscriber2@" in request.fields["to"] else mailgun_says(request)

    with provider("mailgun", script) as (_, transport):
        transport.deliver_all(source := RecordingSource(3))
    assert source.results[2].startswith(result)
    assert [source.results[key][:3] for key in (1, 3)] == ["250", "250"]


FAILURES: list[tuple[Answer | str, str]] = [
    (Answer(401, b'{"ErrorCode": 10, "Message": "Bad token s3cr/t-key"}'), "unsent"),
    (Answer(403), "unsent"),
    (Answer(404, b"Domain not found"), "unsent"),
    (Answer(420, b'{"errors": [{"message": "Exceed Sending Limit (hourly)"}]}'), "unsent"),
    (Answer(429, b"{}", {"Retry-After": "30"}), "unsent"),
    (Answer.of({"ErrorCode": 0, "Message": "Internal error"}, 500), "unsent"),
    (Answer(500, b"<html>oops"), "uncertain"),
    (Answer(500), "uncertain"),
    (Answer(502, b"bad gateway"), "uncertain"),
    (Answer.of({"message": "Internal server error"}, 502), "uncertain"),
    (Answer(503), "unsent"),
    (Answer(307, b"", {"Location": "/elsewhere"}), "unsent"),
    (Answer(504, b"gateway timeout"), "uncertain"),
    (Answer(520), "uncertain"),
    (Answer(522), "unsent"),
    (Answer(200, b"<html>fine"), "uncertain"),
    (Answer(200, b"[]"), "uncertain"),
    (Answer(200, b"7"), "uncertain"),
    (Answer(200, b'{"unexpected": true}'), "uncertain"),
    (CUT, "uncertain"),
    (HANG, "uncertain"),
]


@pytest.mark.parametrize("name", ["postmark", "mailgun"])
@pytest.mark.parametrize(("answer", "result"), FAILURES)
def test_a_failure_of_the_provider_fails_no_recipient(
    name: str, answer: Answer | str, result: str
) -> None:
    """What was not accepted is returned, what may have been is uncertain; then delivery stops."""
    with provider(name, lambda _: answer, "&timeout=0.3") as (server, transport):
        with pytest.raises(RelayDownError) as caught:
            transport.deliver_all(source := RecordingSource(30))
        assert len(source.results) < 30, "delivery continues"
        assert all(text.startswith(result) for text in source.results.values())
        assert sorted(source.results) == [key for batch in source.batches for key in batch]
        expected = RelayDownError if result == "unsent" else ReplyLostError
        with pytest.raises(expected):
            transport.deliver(outgoing(1).envelope, outgoing(1).content)
    assert not any(request.path == "/elsewhere" for request in server.requests)
    assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("30", 30), ("900", 900), ("Mon, 23 Nov 2026 12:10:00 GMT", 600), ("9" * 30, 3600), ("x", 0)],
)
@pytest.mark.django_db
def test_nobody_connects_before_the_time_to_wait_is_over(
    monkeypatch: pytest.MonkeyPatch, value: str, seconds: int
) -> None:
    """Retry-After, as seconds or a date, is part of the relay's problem; an hour at most."""
    monkeypatch.setattr(clock, "now", lambda: NOON)
    script = Answer(429, b"{}", {"Retry-After": value})
    relay = registry.add("provider", "anymail+test://key@default", RelayOptions())
    with provider("postmark", lambda _: script) as (_, transport):
        with pytest.raises(RelayDownError, match=rf"429.*Retry-After: {value[:30]}"):
            transport.deliver(outgoing(1).envelope, outgoing(1).content)
        with pytest.raises(RelayDownError) as caught:
            transport.deliver_all(RecordingSource(1))
    health.record_failure(relay, caught.value, NOON)
    relay.refresh_from_db()
    assert relay.retry_at is not None
    assert relay.retry_at - NOON == timedelta(seconds=max(seconds, 5))


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("sent", "250 2.0.0 sent as 9"),
        ("queued", "250 2.0.0 queued as 9"),
        ("rejected", "550 5.1.0"),
        ("invalid", "550 5.1.3"),
        ("failed", "451 4.3.0"),
        ("unknown", "uncertain"),
        (None, "uncertain"),
    ],
)
def test_every_status_of_anymail_has_a_result(status: str | None, result: str) -> None:
    """Through the test backend, which answers as scripted."""

    def script(message: Any, **_: Any) -> None:
        recipients = {message.to[0]: AnymailRecipientStatus("9", status)}
        message.anymail_test_response = {"recipient_status": recipients}

    pre_send.connect(script)
    try:
        with transport_for("anymail+test://x@default") as transport:
            source = RecordingSource(1)
            if result == "uncertain":
                with pytest.raises(RelayDownError):
                    transport.deliver_all(source)
            else:
                transport.deliver_all(source)
    finally:
        pre_send.disconnect(script)
    assert source.results[1].startswith(result)
    assert isinstance(result_of_status(status, "9"), ReplyLostError) == (result == "uncertain")


def test_what_anymail_does_not_support_is_tried_again() -> None:
    """Whatever the reason is, somebody can correct it before the last attempt."""
    with ProviderServer(mailgun_says) as server:
        url = f"anymail+brevo://key@default?api_url={server.url}"
        message = outgoing(1).content.replace(
            b"Precedence: bulk", b"X-Place: =?utf-8?q?K=C3=BCste?="
        )
        with transport_for(url) as transport:
            reply = transport.deliver(outgoing(1).envelope, message)
    assert (reply.code, reply.enhanced) == (451, "4.3.3")
    assert not server.requests
