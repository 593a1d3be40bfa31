"""Access tokens of Google's APIs, by the key file of an account.

A service account signs a JWT (RFC 7523 §2.1), which is exchanged for a token of an hour. The file
of somebody who consented (`authorized_user`) has a refresh token instead (RFC 6749 §6).
"""

import json
from base64 import urlsafe_b64encode
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from digest.analytics.errors import SiteAnalyticsError
from digest.analytics.site.requests import reading, request_json

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LASTS = 600  # seconds, of the assertion
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105  an address
_SERVICE = ("client_email", "private_key")
_PERSON = ("client_id", "client_secret", "refresh_token")


def access_token(name: str, secret: str, scope: str, now: datetime) -> str:
    """Return a token for an API called `name`; raise SiteAnalyticsError that says what to check."""
    key = _key_file(secret)
    if "refresh_token" in key:
        form = {"grant_type": "refresh_token", **{name: key[name] for name in _PERSON}}
    else:
        form = {"grant_type": GRANT, "assertion": _assertion(key, scope, now)}
    answer = request_json(name, key["token_uri"], form=form)
    with reading(name):
        return str(answer["access_token"])


def _key_file(secret: str) -> dict[str, str]:
    """Return the key file of an account; raise SiteAnalyticsError for anything else."""
    try:
        key = json.loads(secret)
        is_person = key.get("type") == "authorized_user"
        names = _PERSON if is_person else _SERVICE
        address = str(key.get("token_uri", TOKEN_URL) if is_person else key["token_uri"])
        return {name: str(key[name]) for name in names} | {"token_uri": address}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise SiteAnalyticsError(
            "The key file is not that of a service account. Paste the whole JSON file that "
            "Google Cloud offers under IAM, Service accounts, Keys."
        ) from problem


def _assertion(key: dict[str, str], scope: str, now: datetime) -> str:
    """Return a JWT that the service account signs (RS256, RFC 7515)."""
    issued = int(now.timestamp())
    claims = {
        "iss": key["client_email"],
        "scope": scope,
        "aud": key["token_uri"],
        "iat": issued,
        "exp": issued + LASTS,
    }
    head = {"alg": "RS256", "typ": "JWT"}
    signed = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(claims).encode())}"
    signature = _private_key(key["private_key"]).sign(
        signed.encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    return f"{signed}.{_encoded(signature)}"


def _private_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as problem:
        raise SiteAnalyticsError("The key file's private key cannot be read.") from problem
    if not isinstance(key, RSAPrivateKey):
        raise SiteAnalyticsError("The key file's private key is not an RSA key.")
    return key


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
