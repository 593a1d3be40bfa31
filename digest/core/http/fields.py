"""Header fields of an answer: how long to wait, and what a later request may send back."""

from datetime import UTC
from email.utils import parsedate_to_datetime

from digest.core import clock


def retry_after(value: str) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110 §10.2.3), if it is sound."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:12])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - clock.now()).total_seconds())


def sendable(validator: str) -> str:
    """Return an ETag or Last-Modified if a request can carry it, else "", as if there were none."""
    return validator if validator.isascii() and validator.isprintable() else ""
