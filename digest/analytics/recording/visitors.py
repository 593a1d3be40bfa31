"""What tells the visitors of an issue apart: numbers of which no address can be computed."""

import hashlib
import hmac
from datetime import date
from functools import lru_cache
from secrets import token_bytes
from uuid import UUID

from digest.analytics.models import DailySalt
from digest.analytics.recording.hits import Client

_SALT = 32  # bytes


def of_subscriber(uuid: UUID) -> int:
    """Return the number of a subscriber, the same in every issue."""
    return _number(hashlib.sha256(b"digest.visitor\0" + uuid.bytes).digest())


def of_client(client: Client, issue_id: int, salt: bytes) -> int:
    """Return the number of a client in one issue on the day of the salt.

    When the salt is deleted, nobody can find out which address it was of.
    """
    text = f"{issue_id}\0{client.address}\0{client.user_agent}"
    return _number(hmac.digest(salt, text.encode("utf-8", "replace"), "sha256"))


@lru_cache(maxsize=2)  # no longer than they are stored
def salt_of(day: date) -> bytes:
    """Return the salt of a day (UTC), which all processes share; the first of them makes it."""
    salt = DailySalt(day=day, salt=token_bytes(_SALT))
    DailySalt.objects.bulk_create([salt], ignore_conflicts=True)
    return bytes(DailySalt.objects.get(day=day).salt)


def _number(digest: bytes) -> int:
    """Return the beginning of a hash as PostgreSQL's bigint."""
    return int.from_bytes(digest[:8], signed=True)
