"""Access tokens for mailboxes that take no password: Gmail, Microsoft 365 and others (RFC 6749).

A refresh token (§6), or the client alone (§4.4, Microsoft's "IMAP.AccessAsApp"), gives an access
token of about an hour. A provider may send a new refresh token along, which replaces the old one:
`Token.refresh_token`, for the caller to store.
"""

import hashlib
import time
from dataclasses import dataclass, field

import requests

from digest.bounces.mailboxes.errors import MailboxError

GOOGLE = "https://oauth2.googleapis.com/token"
MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
MICROSOFT_APPLICATION = "https://outlook.office365.com/.default"  # scope of a client alone
_SECONDS = 20.0  # to wait for the provider
_EARLY = 120.0  # seconds before a token expires in which it is not used any more
_LARGEST = 100_000  # octets of an answer

_tokens: dict[bytes, "Token"] = {}


@dataclass(frozen=True, slots=True)
class Grant:
    """What an access token is given for."""

    token_url: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    scope: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """The form that is posted."""
        kind = "refresh_token" if self.refresh_token else "client_credentials"
        form = {
            "grant_type": kind,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
            "scope": self.scope,
        }
        return {name: value for name, value in form.items() if value}

    @property
    def key(self) -> bytes:
        """What identifies it in this process."""
        return hashlib.sha256(repr([self.token_url, self.fields]).encode()).digest()


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, until when it is used (time.monotonic()), and its next refresh token."""

    access_token: str = field(repr=False)
    valid_until: float
    refresh_token: str = field(default="", repr=False)


def access_token(grant: Grant) -> Token:
    """Return a token, from the last request while it is valid; raises MailboxError."""
    stored = _tokens.get(grant.key)
    if stored and stored.valid_until > time.monotonic():
        return stored
    token = _request(grant)
    store(grant, token)
    return token


def store(grant: Grant, token: Token) -> None:
    """Use a token for a grant while it is valid."""
    if len(_tokens) > 100:
        _tokens.clear()
    _tokens[grant.key] = token


def forget(grant: Grant) -> None:
    """Do not use a token again: its mailbox refuses it."""
    _tokens.pop(grant.key, None)


def _request(grant: Grant) -> Token:
    try:
        with requests.post(
            grant.token_url, grant.fields, timeout=_SECONDS, allow_redirects=False, stream=True
        ) as response:
            body = response.raw.read(_LARGEST, decode_content=True)
            response._content = body  # noqa: SLF001  so that json() reads no more
            answer = response.json()
    except (requests.RequestException, ValueError, OSError) as cause:
        raise MailboxError(
            f"{grant.token_url} gives no token: it cannot be reached, or its answer is not JSON."
        ) from cause
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise MailboxError(_refusal(grant, answer))
    seconds = answer.get("expires_in")
    lifetime = float(seconds) if isinstance(seconds, int | float) else 300.0
    refresh_token = answer.get("refresh_token")
    return Token(
        answer["access_token"],
        time.monotonic() + max(lifetime - _EARLY, 0.0),
        refresh_token if isinstance(refresh_token, str) else "",
    )


def _refusal(grant: Grant, answer: object) -> str:
    """Return what a refusal means (RFC 6749 §5.2), without the provider's prose."""
    error = str(answer.get("error", "")) if isinstance(answer, dict) else ""
    advice = {
        "invalid_grant": "The refresh token has expired or was revoked: get a new one.",
        "invalid_client": "Check client_id and client_secret.",
        "unauthorized_client": "Check client_id, and what the client may do.",
        "invalid_scope": "Check the scope.",
    }.get(error, "Check client_id, client_secret and refresh_token.")
    return f"{grant.token_url} gives no token. {advice}"
