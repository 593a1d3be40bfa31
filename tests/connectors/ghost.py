"""Calls as Ghost makes them: the shape of its webhooks, and their signature."""

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from tests.clock import NOON

ID = "6489b1a2c3d4e5f6a7b8c9d0"


def make_post(**fields: Any) -> dict[str, Any]:
    """A published post, with the fields of the Admin API that matter here."""
    defaults = {
        "id": ID,
        "uuid": "9a7b6c5d-0000-4000-8000-000000000001",
        "title": "Seals return",
        "slug": "seals",
        "html": "<p>Forty of them lay on the <b>sandbank</b>.</p>",
        "plaintext": "Forty of them lay on the sandbank.",
        "feature_image": "https://courier.example/content/images/seals.jpg",
        "feature_image_alt": "Seals on a sandbank",
        "feature_image_caption": "<span>Low tide</span>",
        "status": "published",
        "visibility": "public",
        "published_at": "2026-11-23T11:00:00.000Z",
        "updated_at": "2026-11-23T11:00:00.000Z",
        "custom_excerpt": None,
        "excerpt": "Forty of them lay on the sandbank.",
        "url": "https://courier.example/seals/",
        "authors": [{"id": "1", "name": "Ada Marsh", "slug": "ada"}, {"name": "Ben Quay"}],
        "tags": [
            {"name": "Coast", "slug": "coast", "visibility": "public"},
            {"name": "#wide", "slug": "hash-wide", "visibility": "internal"},
        ],
        "primary_tag": {"name": "Coast", "slug": "coast", "visibility": "public"},
    }
    return defaults | fields


def make_call(event: str, current: dict[str, Any], previous: dict[str, Any]) -> bytes:
    """The body of a webhook."""
    body = {"event": event, "post": {"current": current, "previous": previous}}
    return json.dumps(body).encode()


def published(**fields: Any) -> bytes:
    """A post that was a draft."""
    return make_call("post.published", make_post(**fields), {"status": "draft"})


def edited(**fields: Any) -> bytes:
    """A published post that was corrected."""
    return make_call("post.published.edited", make_post(**fields), {"title": "Seals retrun"})


def unpublished(**fields: Any) -> bytes:
    """A post that is a draft again."""
    draft = make_post(status="draft", url="https://courier.example/p/9a7b6c5d/", **fields)
    return make_call("post.unpublished", draft, {"status": "published"})


def gated(audience: str, content: str = "<p>Where they sleep.</p>", end: str = "end") -> str:
    """A block of a post that Ghost shows only to some."""
    begin = f"<!--kg-gated-block:begin {audience} -->"
    return f"{begin}{content}<!--kg-gated-block:{end}-->"


def sign(secret: str, body: bytes, at: datetime = NOON) -> dict[str, str]:
    """The header that Ghost sends with a body: HMAC over it and the time in milliseconds."""
    milliseconds = str(int(at.timestamp() * 1000))
    tag = hmac.new(secret.encode(), body + milliseconds.encode(), hashlib.sha256).hexdigest()
    return {"X-Ghost-Signature": f"sha256={tag}, t={milliseconds}"}
