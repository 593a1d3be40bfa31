"""Ghost's Admin API: members with their newsletters and labels, and posts.

The key of a custom integration is ID:SECRET, the secret in hexadecimal; each call has a token (JWT,
RFC 7519) that is signed with it and valid for five minutes.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from digest.core import clock
from digest.transfers.errors import TransferError
from digest.transfers.issues import ghost
from digest.transfers.issues.content import Item
from digest.transfers.remote.client import Client, Source, choose, objects_in
from digest.transfers.rows import BOUNCED, COMPLAINED, SUBSCRIBED, UNSUBSCRIBED, Person
from digest.transfers.services import SERVICES

_SECONDS = 300
_VERSION = "v5.0"


def client(address: str, key: str) -> Client:
    """Return the API of the site at this address; raise TransferError for a malformed key."""
    name, _, secret = key.partition(":")
    try:
        secret_bytes = bytes.fromhex(secret)
    except ValueError:
        secret_bytes = b""
    if not name or not secret_bytes:
        raise TransferError(
            f"This is not an Admin API key: it has two parts with a colon between them. "
            f"{SERVICES['ghost'].key_hint}"
        )
    base = f"{address.rstrip('/').removesuffix('/ghost')}/ghost/api/admin/"
    return Client("Ghost", base, lambda: _headers(name, secret_bytes))


def source(api: Client, list_name: str) -> Source:
    """Return what a newsletter of the site has."""
    rows = objects_in(api.get("newsletters/", {"limit": 100}).get("newsletters"))
    active = [row for row in rows if row.get("status", "active") == "active"]
    newsletter = choose(list_name, active, "newsletter")
    other_ids = {row.get("id") for row in rows} - {newsletter.get("id")}
    return Source(lambda: _subscribers(api, newsletter), lambda: _issues(api, other_ids))


def _subscribers(api: Client, newsletter: Mapping[str, Any]) -> Iterator[Person]:
    parameters = {"limit": 100, "include": "newsletters,labels", "order": "created_at asc"}
    for row in api.pages("members/", parameters, lambda answer: answer.get("members")):
        yield Person(
            email=str(row.get("email") or ""),
            name=str(row.get("name") or ""),
            state=_state(row, newsletter),
            requested_at=row.get("created_at"),
            tags=row.get("labels") or (),
        )


def _issues(api: Client, other_ids: set[Any]) -> Iterator[Item]:
    parameters = {
        "limit": 20,
        "formats": "html",
        "filter": "status:[published,sent]",
        "include": "newsletter",
        "order": "published_at asc",
    }
    for row in api.pages("posts/", parameters, lambda answer: answer.get("posts")):
        newsletter = row.get("newsletter")
        newsletter_id = newsletter.get("id") if isinstance(newsletter, dict) else None
        yield ghost.read_post(
            {"type": "post", **row, "newsletter_id": newsletter_id}, {}, other_ids
        )


def _state(row: Mapping[str, Any], newsletter: Mapping[str, Any]) -> str:
    suppression = row.get("email_suppression")
    if isinstance(suppression, dict) and suppression.get("suppressed"):
        info = suppression.get("info")
        reason = info.get("reason") if isinstance(info, dict) else ""
        return COMPLAINED if reason == "spam" else BOUNCED
    ids = {other.get("id") for other in objects_in(row.get("newsletters"))}
    return SUBSCRIBED if newsletter.get("id") in ids else UNSUBSCRIBED


def _headers(name: str, secret: bytes) -> Mapping[str, str]:
    now = int(clock.now().timestamp())
    head = _part({"alg": "HS256", "typ": "JWT", "kid": name})
    body = _part({"iat": now, "exp": now + _SECONDS, "aud": "/admin/"})
    signature = hmac.digest(secret, f"{head}.{body}".encode(), hashlib.sha256)
    token = f"{head}.{body}.{_encode(signature)}"
    return {"Authorization": f"Ghost {token}", "Accept-Version": _VERSION}


def _part(values: Mapping[str, Any]) -> str:
    return _encode(json.dumps(values, separators=(",", ":")).encode())


def _encode(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
