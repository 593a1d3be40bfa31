"""Secrets at rest: what the database holds of them is of no use without the secret key."""

import hashlib
import secrets
from base64 import b64encode, urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from digest.core.errors import ConfigurationError


def seal(text: str) -> str:
    """Return the text encrypted and authenticated, in ASCII."""
    return _box().encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """Return what `seal` was given, under this secret key or an earlier one.

    Raises ConfigurationError if the key is gone, or the text was not sealed here.
    """
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as cause:
        raise ConfigurationError(
            "A stored secret cannot be read: it was sealed under another DIGEST_SECRET_KEY. "
            "Name that one in DIGEST_SECRET_KEY_FALLBACKS, or enter the secret again."
        ) from cause


def new_webhook_secret() -> str:
    """Return a secret of 32 random bytes, in the spelling of Standard Webhooks."""
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"


def _box() -> MultiFernet:
    return _box_of(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=8)
def _box_of(*secrets: str) -> MultiFernet:
    return MultiFernet([Fernet(_key(secret)) for secret in secrets])


def _key(secret: str) -> bytes:
    return urlsafe_b64encode(hashlib.sha256(f"digest.sealing\0{secret}".encode()).digest())
