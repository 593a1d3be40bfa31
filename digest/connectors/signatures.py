"""Who may report articles: signatures of calls. Pure.

Ghost signs the body and a time in milliseconds with HMAC-SHA256, in one header:
`X-Ghost-Signature: sha256=…, t=…`. All others sign as in Standard Webhooks
(standardwebhooks.com, specification 1.0.0).
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

from digest.connectors.errors import SignatureError

TOLERANCE = timedelta(minutes=5)  # between the sender's clock and ours
GHOST_HEADER = "X-Ghost-Signature"
_GHOST = re.compile(r"sha256=([0-9a-f]{64}), ?t=([0-9]{1,16})")
_LONGEST_ID = 200
_NOT_OURS = "The signature does not match the secret of this connection."


def check_ghost(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Return the id of a call from Ghost; raise SignatureError unless it is signed, and lately."""
    match = _GHOST.fullmatch(headers.get(GHOST_HEADER, "").strip())
    if match is None:
        raise SignatureError(
            f"There is no {GHOST_HEADER} that can be read. Enter the secret of this connection "
            "with the webhook in Ghost, and use an up-to-date Ghost."
        )
    tag, milliseconds = match.groups()
    expected = hmac.digest(secret.encode(), body + milliseconds.encode(), "sha256").hex()
    if not hmac.compare_digest(tag, expected):
        raise SignatureError(_NOT_OURS)
    _require_recent(int(milliseconds) / 1000, now)
    return hashlib.sha256(body + milliseconds.encode()).hexdigest()


def check_standard(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Return the id of a call by Standard Webhooks; raise SignatureError unless it is signed.

    It may have several signatures, under the secrets that the sender has.
    """
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    signed = {name: headers.get(name, "") for name in names}
    message_id, timestamp = signed["webhook-id"], signed["webhook-timestamp"]
    if not timestamp.isdecimal() or not 0 < len(message_id) <= _LONGEST_ID:
        raise SignatureError(
            "The call is not signed: it needs the headers webhook-id, webhook-timestamp and "
            "webhook-signature."
        )
    seconds = int(timestamp[:12])
    _require_recent(seconds, now)
    try:
        at = datetime.fromtimestamp(seconds, UTC)
        expected = Webhook(secret).sign(message_id, at, body.decode()).encode()
    except UnicodeDecodeError as cause:
        raise SignatureError(_NOT_OURS) from cause
    signatures = signed["webhook-signature"].encode(errors="replace").split()
    if not any(hmac.compare_digest(expected, signature) for signature in signatures):
        raise SignatureError(_NOT_OURS)
    return message_id


def _require_recent(seconds: float, now: datetime) -> None:
    if abs(now.timestamp() - seconds) > TOLERANCE.total_seconds():
        raise SignatureError(
            "The call was signed more than five minutes ago, or the sender's clock is wrong."
        )
