"""Whether a call is Stripe's: the header `Stripe-Signature: t=…,v1=…`. Pure.

An HMAC-SHA256 of the time, a full stop and the body, under the secret of the endpoint
(https://docs.stripe.com/webhooks#verify-manually). There are several `v1` while a secret is rolled;
other schemes than v1 are ignored, as Stripe asks. docs/decisions/0063 says why this is not Stripe's
library.
"""

import hmac
from datetime import datetime, timedelta

from digest.entitlements.errors import SignatureError

HEADER = "Stripe-Signature"
TOLERANCE = timedelta(minutes=5)  # between Stripe's clock and ours, as in Stripe's libraries
_MOST_PARTS = 20


def check(secret: str, header: str, body: bytes, now: datetime) -> None:
    """Raise SignatureError unless the body was signed with the secret, within five minutes."""
    pairs = [part.strip().partition("=") for part in header.split(",")[:_MOST_PARTS]]
    timestamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"]
    timestamp = timestamps[0] if timestamps else ""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16 and signatures):
        raise SignatureError(f"There is no {HEADER} with a time and a signature (t=…, v1=…).")
    expected = hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()
    tags = [signature.encode(errors="replace") for signature in signatures]
    if not any(hmac.compare_digest(expected.encode(), tag) for tag in tags):
        raise SignatureError(
            "The signature does not match. Enter the signing secret (whsec_…) of this endpoint."
        )
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise SignatureError(
            "The call was signed more than five minutes ago, or the clock of this server is wrong."
        )
