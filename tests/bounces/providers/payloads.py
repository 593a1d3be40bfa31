"""Events as eight providers report them, in the shapes of their documentation."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks.webhooks import Webhook

from digest.core import clock

ADDRESS = "kim@mailbox.example"
UNKNOWN = "550 5.1.1 <kim@mailbox.example>: User unknown"
BLOCKED = "554 5.7.1 Message blocked due to spam content"
SVIX = "whsec_" + base64.b64encode(b"resend's secret of 24 by").decode()
_EC = ec.generate_private_key(ec.SECP256R1())
SENDGRID = base64.b64encode(
    _EC.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
).decode()


@dataclass
class Call:
    """A call that a provider makes."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def postmark(token: str, reply: str, *, complaint: bool = False) -> Call:
    """A bounce webhook, with the metadata that we sent."""
    event = {
        "RecordType": "SpamComplaint" if complaint else "Bounce",
        "ID": 42,
        "Type": "SpamComplaint" if complaint else "HardBounce",
        "MessageID": "00000000-0000-0000-0000-000000000000",
        "Metadata": {"digest": token},
        "Details": reply,
        "Email": ADDRESS,
        "BouncedAt": "2026-11-23T12:00:00Z",
    }
    return Call(json.dumps(event).encode())


def mailgun(token: str, reply: str, *, complaint: bool = False) -> Call:
    """An event with Mailgun's signature; our Message-ID is in the headers."""
    stamp, nonce = str(int(clock.now().timestamp())), "n" * 50
    signed = hmac.new(b"mailgun-key", f"{stamp}{nonce}".encode(), hashlib.sha256).hexdigest()
    data: dict[str, Any] = {
        "event": "complained" if complaint else "failed",
        "severity": "permanent",
        "reason": "bounce",
        "id": "abc",
        "timestamp": clock.now().timestamp(),
        "recipient": ADDRESS,
        "message": {"headers": {"message-id": f"{token}@courier.example"}},
        "delivery-status": {"code": 550, "message": reply, "enhanced-code": "5.1.1"},
        "user-variables": {},
        "tags": [],
    }
    if complaint or "5.7.1" in reply:
        data.pop("delivery-status")
        data["delivery-status"] = {"code": 554, "message": reply, "enhanced-code": "5.7.1"}
    signature = {"timestamp": stamp, "token": nonce, "signature": signed}
    body = json.dumps({"signature": signature, "event-data": data})
    return Call(body.encode())


def sendgrid(token: str, reply: str, *, complaint: bool = False) -> Call:
    """A batch of one event, signed with an elliptic curve."""
    event: dict[str, Any] = {
        "event": "spamreport" if complaint else "bounce",
        "email": ADDRESS,
        "timestamp": int(clock.now().timestamp()),
        "sg_event_id": "e",
        "digest": token,
    }
    if not complaint:
        event |= {"type": "bounce", "reason": reply}
    body = json.dumps([event]).encode()
    stamp = str(int(clock.now().timestamp()))
    signature = _EC.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    prefix = "X-Twilio-Email-Event-Webhook-"
    headers = {
        f"{prefix}Signature": base64.b64encode(signature).decode(),
        f"{prefix}Timestamp": stamp,
    }
    return Call(body, headers)


def brevo(token: str, reply: str, *, complaint: bool = False) -> Call:
    """An event, with the metadata in a field of its own."""
    event = {
        "event": "spam" if complaint else "hard_bounce",
        "email": ADDRESS,
        "ts_epoch": int(clock.now().timestamp() * 1000),
        "message-id": "<2026@smtp-relay.mailin.fr>",
        "X-Mailin-custom": json.dumps({"digest": token}),
        "reason": reply,
    }
    return Call(json.dumps(event).encode())


def resend(token: str, reply: str, *, complaint: bool = False) -> Call:
    """An event that Svix signed; our headers are repeated."""
    event = {
        "type": "email.complained" if complaint else "email.bounced",
        "created_at": clock.now().isoformat(),
        "data": {
            "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
            "to": [ADDRESS],
            "headers": [{"name": "X-Metadata", "value": json.dumps({"digest": token})}],
            "bounce": {"message": reply, "type": "Permanent", "subType": "General"},
        },
    }
    body = json.dumps(event)
    now = dt.datetime.now(dt.UTC)  # the library compares with the machine's time
    headers = {
        "svix-id": "msg_1",
        "svix-timestamp": str(int(now.timestamp())),
        "svix-signature": Webhook(SVIX).sign("msg_1", now, body),
    }
    return Call(body.encode(), headers)


def sparkpost(token: str, reply: str, *, complaint: bool = False) -> Call:
    """A batch of one event with metadata."""
    event = {
        "type": "spam_complaint" if complaint else "bounce",
        "bounce_class": "10",
        "error_code": "550",
        "event_id": "92356927693813856",
        "raw_reason": reply,
        "rcpt_meta": {"digest": token},
        "rcpt_to": ADDRESS,
        "timestamp": str(int(clock.now().timestamp())),
        "message_id": "000443ee14578172be22",
    }
    if "5.7.1" in reply:
        event |= {"bounce_class": "52", "error_code": "554"}
    return Call(json.dumps([{"msys": {"message_event": event}}]).encode())


def mailersend(token: str, reply: str, *, complaint: bool = False) -> Call:
    """An event with our tag, signed by HMAC."""
    kind = "spam_complaint" if complaint else "hard_bounced"
    event = {
        "type": f"activity.{kind}",
        "created_at": clock.now().isoformat(),
        "data": {
            "object": "activity",
            "id": "62f114f8165fe0d8db0288e5",
            "type": kind,
            "created_at": clock.now().isoformat(),
            "email": {
                "message": {"id": "62fb66bef54a112e920b5493"},
                "recipient": {"email": ADDRESS},
                "tags": [token],
            },
            "morph": {"object": "recipient_bounce", "reason": reply},
        },
    }
    body = json.dumps(event).encode()
    signed = hmac.new(b"mailersend-key", body, hashlib.sha256).hexdigest()
    return Call(body, {"Signature": signed})


@dataclass
class Provider:
    """How a provider is set up, and the calls that it makes."""

    url: str
    call: Callable[..., Call]


PROVIDERS = {
    "postmark": Provider("anymail+postmark://token@default", postmark),
    "mailgun": Provider("anymail+mailgun://key@mg.x.example?webhook_key=mailgun-key", mailgun),
    "sendgrid": Provider("anymail+sendgrid://key@default", sendgrid),
    "brevo": Provider("anymail+brevo://key@default", brevo),
    "resend": Provider("anymail+resend://key@default", resend),
    "sparkpost": Provider("anymail+sparkpost://key@default", sparkpost),
    "mailersend": Provider(
        "anymail+mailersend://key@default?webhook_key=mailersend-key", mailersend
    ),
}
