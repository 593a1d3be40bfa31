"""Signatures by the Standard Webhooks scheme (standardwebhooks.com, specification 1.0.0). Pure."""

from datetime import UTC, datetime

from standardwebhooks import Webhook


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
