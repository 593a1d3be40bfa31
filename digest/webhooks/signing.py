"""Signatures by the Standard Webhooks scheme (standardwebhooks.com, specification 1.0.0). Pure."""

import secrets
from base64 import b64encode
from datetime import UTC, datetime

from standardwebhooks import Webhook


def new_secret() -> str:
    """Return a secret of 32 random bytes, in the scheme's spelling."""
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"


def headers(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of one attempt; `timestamp` is its moment in Unix seconds.

    The same message has the same id at every attempt, and a signature of its own for each.
    """
    at = datetime.fromtimestamp(timestamp, UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": Webhook(secret).sign(message_id, at, body.decode()),
    }
