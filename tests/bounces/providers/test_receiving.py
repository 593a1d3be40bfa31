"""What providers report: from their calls to a bounce."""

import base64
import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.test import Client

from digest.bounces.models import Bounce
from digest.bounces.providers import receiving, signatures
from digest.bounces.providers.errors import ProviderEventError
from digest.core import links
from digest.issues.models import Issue
from digest.relays import registry
from digest.relays.models import Relay
from digest.relays.registry import RelayOptions
from digest.relays.transports.base import Envelope
from digest.relays.transports.esp.messages import mark, parsed_message
from digest.subscribers.models import Subscriber, Suppression
from digest.web.body_limits import LARGEST_BODY
from tests.bounces.factories import message_id
from tests.bounces.providers.payloads import (
    ADDRESS,
    BLOCKED,
    PROVIDERS,
    SENDGRID,
    SVIX,
    UNKNOWN,
    Call,
    Provider,
)
from tests.certificates import make_certificate

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:.*SendGrid")]

KEYS = {"sendgrid": SENDGRID, "resend": SVIX}
EVERY = pytest.mark.parametrize("name", PROVIDERS)
SIGNING = ("mailgun", "sendgrid", "resend", "mailersend")


def add_provider(name: str) -> tuple[Provider, Relay]:
    """A mail server of this provider, with the key that it signs with."""
    provider = PROVIDERS[name]
    key = f"?webhook_key={quote(KEYS[name], safe='')}" if name in KEYS else ""
    return provider, registry.add("provider", provider.url + key, RelayOptions())


def send(client: Client, relay: Relay, call: Call) -> int:
    """Make a call; return its status."""
    path = urlsplit(receiving.events_url(relay)).path
    response = client.post(path, call.body, content_type="application/json", headers=call.headers)
    return response.status_code


@EVERY
def test_a_bounce_suppresses(
    client: Client, issue: Issue, subscriber: Subscriber, name: str
) -> None:
    """Twice is once; the evidence has the server's words."""
    provider, relay = add_provider(name)
    call = provider.call(message_id(issue, subscriber), UNKNOWN)
    assert [send(client, relay, call), send(client, relay, call)] == [200, 200]
    bounce = Bounce.objects.get()
    assert (bounce.issue, bounce.subscriber) == (issue, subscriber)
    assert (bounce.reason, bounce.consequence, bounce.source) == ("userunknown", "hard", "provider")
    assert "User unknown" in Suppression.objects.get().evidence


@EVERY
def test_a_complaint_suppresses(
    client: Client, issue: Issue, subscriber: Subscriber, name: str
) -> None:
    """And counts against the issue."""
    provider, relay = add_provider(name)
    assert (
        send(client, relay, provider.call(message_id(issue, subscriber), "", complaint=True)) == 200
    )
    assert Bounce.objects.get().is_complaint
    assert Suppression.objects.get().reason == "complained"


@EVERY
def test_what_is_our_fault_suppresses_nobody(
    client: Client, issue: Issue, subscriber: Subscriber, name: str
) -> None:
    """Even where the provider calls it a permanent bounce."""
    provider, relay = add_provider(name)
    assert send(client, relay, provider.call(message_id(issue, subscriber), BLOCKED)) == 200
    assert Bounce.objects.get().consequence == "sender"
    assert not Suppression.objects.exists()


@EVERY
def test_a_forged_token_has_no_effect(
    client: Client, issue: Issue, subscriber: Subscriber, name: str
) -> None:
    """Whatever address the event names."""
    provider, relay = add_provider(name)
    forged = message_id(issue, subscriber)[:-4] + "AAAA"
    assert send(client, relay, provider.call(forged, UNKNOWN)) == 200
    assert not Bounce.objects.exists()


@pytest.mark.parametrize("name", SIGNING)
def test_a_wrong_signature_is_refused(
    client: Client, issue: Issue, subscriber: Subscriber, name: str
) -> None:
    """Also where no key is set."""
    provider, relay = add_provider(name)
    call = provider.call(message_id(issue, subscriber), UNKNOWN)
    if name == "mailgun":
        call.body = call.body.replace(b'"nnnn', b'"mnnn')
    else:
        call.body += b" "
    assert send(client, relay, call) == 403
    registry.change(relay, provider.url.partition("?")[0], RelayOptions())
    assert send(client, relay, call) == 403
    assert not Bounce.objects.exists()


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"null", b"{}", b'[{"msys": 1}]', b'"x"'])
@EVERY
def test_rubbish_is_refused_or_does_nothing(client: Client, name: str, body: bytes) -> None:
    """It is never an error of ours."""
    _, relay = add_provider(name)
    assert send(client, relay, Call(body)) in {200, 403}
    assert not Bounce.objects.exists()


def test_no_event_of_a_large_call_is_left_out(
    client: Client, issue: Issue, subscriber: Subscriber
) -> None:
    """More than a megabyte of deliveries, and a bounce at the end."""
    provider, relay = add_provider("sparkpost")
    call = provider.call(message_id(issue, subscriber), UNKNOWN)
    delivered = call.body[1:-1].replace(b'"bounce"', b'"delivery"')
    call.body = b"[" + b",".join([*[delivered] * 4_000, call.body[1:]])
    assert len(call.body) > LARGEST_BODY
    assert send(client, relay, call) == 200
    assert Bounce.objects.get().consequence == "hard"


def test_the_address_is_secret(client: Client) -> None:
    """One that was not signed here does not exist; a look at it does nothing."""
    _, relay = add_provider("postmark")
    path = urlsplit(receiving.events_url(relay)).path
    assert (
        client.post(path[:-4] + "AAAA", b"{}", content_type="application/json").status_code == 404
    )
    assert client.get(path).status_code == 200
    assert client.put(path).status_code == 405
    relay.delete()
    assert client.post(path, b"{}", content_type="application/json").status_code == 403


@pytest.mark.parametrize(("kind", "consequence"), [("HardBounce", "hard"), ("SoftBounce", "soft")])
def test_without_the_servers_words_the_provider_decides(
    client: Client, issue: Issue, subscriber: Subscriber, kind: str, consequence: str
) -> None:
    """By its own classification."""
    provider, relay = add_provider("postmark")
    call = provider.call(message_id(issue, subscriber), "")
    call.body = call.body.replace(b"HardBounce", kind.encode())
    assert send(client, relay, call) == 200
    assert Bounce.objects.get().consequence == consequence


def test_a_message_carries_its_token() -> None:
    """As metadata, or as a tag where a provider has no metadata."""
    content = (
        b"From: a@x.example\r\nTo: b@x.example\r\nMessage-ID: <abc.def@x.example>\r\n\r\nHello\r\n"
    )
    message: Any = parsed_message(Envelope("a@x.example", "b@x.example"), content, {})
    mark(message, "metadata")
    assert message.metadata == {"digest": "abc.def"}
    mark(message, "tags")
    assert message.tags == ["abc.def"]


def signed_by_sns(message: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """A message signed as SNS does, and the certificate."""
    key = rsa.generate_private_key(65_537, 2_048)
    names = ("Message", "MessageId", "Timestamp", "TopicArn", "Type")
    text = "".join(f"{field}\n{message[field]}\n" for field in names)
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    signed = message | {"Signature": base64.b64encode(signature).decode(), "SignatureVersion": "2"}
    return signed, make_certificate(key, "sns.amazonaws.com")


def notification(token: str) -> dict[str, Any]:
    """A bounce of Amazon SES, without a signature."""
    event = {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": ADDRESS, "diagnosticCode": f"smtp; {UNKNOWN}"}],
            "timestamp": "2026-11-23T12:00:00.000Z",
            "feedbackId": "1",
        },
        "mail": {
            "messageId": "01",
            "destination": [ADDRESS],
            "headers": [{"name": "Message-ID", "value": f"<{token}@courier.example>"}],
        },
    }
    return {
        "Type": "Notification",
        "MessageId": "m",
        "TopicArn": "arn:aws:sns:eu-west-1:1:bounces",
        "Timestamp": "2026-11-23T12:00:01.000Z",
        "Message": json.dumps(event),
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/cert.pem",
    }


def test_amazon_reports_a_bounce(
    client: Client, issue: Issue, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By SNS, whose signature is checked with Amazon's certificate; it is fetched once."""
    relay = registry.add("ses", "anymail+amazon-ses://KEY:SECRET@eu-west-1", RelayOptions())
    message, certificate = signed_by_sns(notification(message_id(issue, subscriber)))
    monkeypatch.setattr(signatures, "_fetched", lambda _url: certificate)
    headers = {"x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": "m"}
    assert send(client, relay, Call(json.dumps(message).encode(), headers)) == 200
    assert Bounce.objects.get().consequence == "hard"
    message["Message"] = message["Message"].replace("kim@", "jim@")
    assert send(client, relay, Call(json.dumps(message).encode(), headers)) == 403


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/cert.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/cert.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com",
        "https://sns.eu-west-1.amazonaws.com@evil.example/",
        "https://sns.eu-west-1.amazonaws.com:8443/",
        "",
    ],
)
def test_only_amazons_certificate_is_fetched(url: str) -> None:
    """A stranger could sign with one of their own."""
    with pytest.raises(ProviderEventError, match="Amazon"):
        signatures.check_sns({"Type": "Notification", "SigningCertURL": url})


def test_an_address_is_offered_for_providers_only() -> None:
    """A plain mail server reports by mail."""
    relay = registry.add("smtp", "smtp://relay.example:587", RelayOptions())
    assert receiving.events_url(relay) == ""
    assert links.read(
        "provider-events", receiving.events_url(add_provider("brevo")[1]).rpartition("/")[2]
    )
