"""The keyed hash that stays of an erased subscriber's address.

HMAC-SHA256 with a key of this installation: the table alone does not allow anyone to test
addresses, and Digest can still recognise an erased address in an import.
"""

import hmac
from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256

from django.conf import settings

PREFIX = "hmac:"  # an unquoted address has no colon before its @


def hash_address(address_key: str) -> str:
    """Return the hash that replaces an address (core.addresses.Address.key) once it is erased."""
    return _hash(settings.SECRET_KEY, address_key)


def stored_forms(address_key: str) -> list[str]:
    """Return every form in which a suppression may store the address: itself, and its hashes.

    There is one hash for the secret key and one for each fallback, so a new key loses nobody.
    """
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [address_key, *(_hash(secret, address_key) for secret in keys)]


def _hash(secret: str, address_key: str) -> str:
    tag = hmac.digest(_key(secret), address_key.encode(), "sha256")
    return PREFIX + urlsafe_b64encode(tag).rstrip(b"=").decode()


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return sha256(f"digest.subscribers.erased\0{secret}".encode()).digest()
