"""Signatures that anymail leaves open: Svix (Resend), and Amazon SNS."""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from digest.bounces.providers.errors import ProviderEventError
from digest.core import http

log = structlog.get_logger(__name__)

_SNS_HOST = re.compile(r"sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?")
_SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SIGNED_SUBSCRIPTION = (
    *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
)
_LARGEST_CERTIFICATE = 20_000


def check_svix(secret: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Raise ProviderEventError unless Svix signed a call; its scheme is Standard Webhooks'."""
    renamed = {
        f"webhook-{name}": headers.get(f"svix-{name}", "")
        for name in ("id", "timestamp", "signature")
    }
    try:
        Webhook(secret).verify(body, renamed)
    except (WebhookVerificationError, ValueError, TypeError) as cause:
        raise ProviderEventError("The signature does not match webhook_key.") from cause


def check_sns(
    message: Mapping[str, Any], certificate: Callable[[str], bytes] | None = None
) -> None:
    """Raise ProviderEventError unless Amazon SNS signed a message.

    `certificate` returns the PEM at an address. The scheme is that of SNS's documentation,
    "Verifying the signatures of Amazon SNS messages".
    """
    url = str(message.get("SigningCertURL", ""))
    require_sns_address(url)
    names = _SIGNED if message.get("Type") == "Notification" else _SIGNED_SUBSCRIPTION
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    sha2 = str(message.get("SignatureVersion")) == "2"
    try:
        key = x509.load_pem_x509_certificate((certificate or _fetched)(url)).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise ProviderEventError("The certificate of Amazon SNS has no RSA key.")
        key.verify(
            b64decode(str(message.get("Signature", ""))),
            text.encode(),
            padding.PKCS1v15(),
            hashes.SHA256() if sha2 else hashes.SHA1(),  # noqa: S303  version 1 is SNS's default
        )
    except (InvalidSignature, ValueError) as cause:
        raise ProviderEventError("The signature of the Amazon SNS message is not valid.") from cause


def require_sns_address(url: str) -> None:
    """Raise ProviderEventError unless a URL is Amazon SNS's."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not _SNS_HOST.fullmatch(parts.netloc):
        raise ProviderEventError("The message names an address that is not Amazon SNS's.")


@lru_cache(maxsize=16)
def _fetched(url: str) -> bytes:
    return http.fetch(url, largest=_LARGEST_CERTIFICATE).body
