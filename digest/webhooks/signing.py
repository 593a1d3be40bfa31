"""Signatures by the Standard Webhooks scheme (standardwebhooks.com, specification 1.0.0). Pure."""

import hmac
import secrets
from base64 import b64decode, b64encode

MARK = "whsec_"


def new_secret() -> str:
    """Return a secret of 32 random bytes, in the scheme's spelling."""
    return MARK + b64encode(secrets.token_bytes(32)).decode()


def headers(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of one attempt; `timestamp` is its moment in Unix seconds.

    The same message has the same id at every attempt, and a signature of its own for each.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    tag = hmac.digest(b64decode(secret.removeprefix(MARK)), signed, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{b64encode(tag).decode()}",
    }
