"""The keyed hash under which an erased subscriber's address is remembered, and no other way.

HMAC-SHA256 under a key of the installation: whoever sees the table cannot try addresses out, and we
can still tell when a list brings one of them back.
"""

import hmac
from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256

from django.conf import settings

PREFIX = "hmac:"  # no address has a colon before its @ without quotation marks


def hashed(address_key: str) -> str:
    """Return what stands for an address (core.addresses.Address.key) once it is erased."""
    return _hashed(settings.SECRET_KEY, address_key)


def spellings(address_key: str) -> list[str]:
    """Return every way in which a suppression may name the address: itself, and its hashes.

    One hash for the present secret key and one for each fallback, so a new key forgets nobody.
    """
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [address_key, *(_hashed(secret, address_key) for secret in keys)]


def _hashed(secret: str, address_key: str) -> str:
    tag = hmac.digest(_key(secret), address_key.encode(), "sha256")
    return PREFIX + urlsafe_b64encode(tag).rstrip(b"=").decode()


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return sha256(f"digest.subscribers.erased\0{secret}".encode()).digest()
