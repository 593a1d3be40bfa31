"""The connections to services. Their keys are sealed (core.sealing), and no page shows them."""

from datetime import datetime

from digest.core import sealing
from digest.core.http import checked_url
from digest.core.http.errors import FetchError
from digest.reputation.dmarc.storing import sender_domains
from digest.reputation.errors import ReputationError
from digest.reputation.models import ServiceConnection
from digest.reputation.services.base import Account
from digest.reputation.services.kinds import KINDS


def connect(kind: str, secret: str, now: datetime, *, address: str = "") -> ServiceConnection:
    """Connect a service, or change its key; it is asked at once. Raises ReputationError.

    The stored key must not reach another address, so a changed address needs the key again.
    """
    if kind not in KINDS:
        raise ReputationError(f"{kind!r} is not known. Choose one of {', '.join(KINDS)}.")
    label, hint = KINDS[kind].secret
    if not secret.strip():
        raise ReputationError(f"{label} is missing. {hint}")
    try:
        url = str(checked_url(address.strip() or KINDS[kind].address))
    except FetchError as problem:
        raise ReputationError(str(problem)) from problem
    row, _ = ServiceConnection.objects.update_or_create(
        kind=kind,
        defaults={
            "address": url,
            "sealed_secret": sealing.seal(secret.strip()),
            "due_at": now,
            "failures": 0,
            "problem": "",
        },
    )
    return row


def find(kind: str) -> ServiceConnection:
    """Return the connection of a service; raise ReputationError where there is none."""
    if row := ServiceConnection.objects.filter(kind=kind).first():
        return row
    raise ReputationError(f"{KINDS[kind].name if kind in KINDS else kind} is not connected.")


def account_of(connection: ServiceConnection) -> Account:
    """Return what an adapter needs. Raises ConfigurationError where the key cannot be unsealed."""
    return Account(connection.address, sender_domains(), sealing.unseal(connection.sealed_secret))
