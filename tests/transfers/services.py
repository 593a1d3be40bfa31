"""Scripted servers that answer as the services' public documents say."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.cast import exports
from tests.provider_server import Answer, Request

GHOST_KEY = "6501:abcdef0123456789"
LISTMONK_KEY = "mover:s3cret-token"
BUTTONDOWN_KEY = "bd-secret-key"
BEEHIIV_KEY = "pub_1:bh-secret-key"
SECRETS = ("abcdef0123456789", "s3cret-token", "bd-secret-key", "bh-secret-key")

Script = Callable[[Request], Answer]
REFUSED = Answer(401, b'{"errors": []}')


def ghost(request: Request) -> Answer:
    """Ghost's Admin API: two newsletters, members on two pages, one post."""
    if not _has_ghost_token(request):
        return REFUSED
    path, query = _address(request)
    newsletters = [{"id": "n1", "name": "Tide", "status": "active"}]
    newsletters += [{"id": "n2", "name": "Sport", "status": "active"}]
    tide, sport = [[row] for row in newsletters]
    suppressed = {"suppressed": True, "info": {"reason": "spam", "timestamp": "2023-01-01"}}
    pages = {
        "1": [
            _member("ana@gh.example", tide, labels=[{"name": "VIP"}], name="Ana"),
            _member("ben@gh.example", []),
        ],
        "2": [
            _member("cid@gh.example", sport),
            _member("dee@gh.example", tide, email_suppression=suppressed),
        ],
    }
    page = query.get("page", ["1"])[0]
    pagination = {"pagination": {"page": int(page), "pages": 2}}
    if path == "/ghost/api/admin/newsletters/":
        return Answer.of({"newsletters": newsletters})
    if path == "/ghost/api/admin/members/":
        return Answer.of({"members": pages[page], "meta": pagination})
    if path == "/ghost/api/admin/posts/":
        posts = [exports.ghost_post(newsletter={"id": "n1"})] if page == "1" else []
        return Answer.of({"posts": posts, "meta": pagination})
    return Answer(404)


def listmonk(request: Request) -> Answer:
    """The API of listmonk: a list with double opt-in, and two campaigns."""
    if request.headers["Authorization"] != f"token {LISTMONK_KEY}":
        return Answer(403, b'{"message": "invalid"}')
    path, query = _address(request)
    is_first = query.get("page", ["1"])[0] == "1"
    if path == "/api/lists":
        return _results([{"id": 3, "name": "Tide", "optin": "double"}])
    if path == "/api/subscribers" and query["list_id"] == ["3"]:
        states = ("confirmed", "unconfirmed", "unsubscribed")
        rows = [_listmonk_subscriber(f"{state}@lm.example", state) for state in states]
        blocked = _listmonk_subscriber("blocked@lm.example", "confirmed")
        return _results([*rows, {**blocked, "status": "blocklisted"}] if is_first else [])
    if path == "/api/campaigns":
        campaign: dict[str, Any] = {
            "id": 9,
            "uuid": "c9",
            "subject": "Seals return",
            "type": "regular",
        }
        campaign |= {"started_at": "2023-04-05T06:00:00.123456Z", "lists": [{"id": 3}]}
        hidden = campaign | {"id": 10, "uuid": "c10", "subject": "By mail only"}
        return _results([campaign | {"archive": True}, hidden] if is_first else [])
    if path in {"/api/campaigns/9/preview", "/api/campaigns/10/preview"}:
        return Answer(200, exports.PAGE.encode())
    return Answer(404)


def buttondown(request: Request) -> Answer:
    """Buttondown's API."""
    if request.headers["Authorization"] != f"Token {BUTTONDOWN_KEY}":
        return REFUSED
    path, query = _address(request)
    if path == "/v1/subscribers":
        page = query["page"][0]
        rows: list[dict[str, Any]] = [
            {"email_address": "ana@bd.example", "type": "regular", "tags": ["press"]},
            {"email_address": "ben@bd.example", "type": "unsubscribed"},
            {"email_address": "cid@bd.example", "type": "unactivated"},
            {"email_address": "dee@bd.example", "type": "something new"},
        ]
        rows = [row | {"creation_date": "2022-01-02T10:00:00.1234Z"} for row in rows]
        half = rows[:2] if page == "1" else rows[2:]
        return Answer.of({"results": half, "next": "more" if page == "1" else None, "count": 4})
    if path == "/v1/emails":
        email = {"id": "e1", "subject": "Seals", "body": "They *are* back.", "status": "sent"}
        email |= {"email_type": "public", "publish_date": "2023-04-05T06:00:00Z"}
        return Answer.of({"results": [email], "next": None, "count": 1})
    return Answer(404)


def beehiiv(request: Request) -> Answer:
    """The API of beehiiv, whose subscriptions come by a cursor."""
    if request.headers["Authorization"] != "Bearer bh-secret-key":
        return REFUSED
    path, query = _address(request)
    if path == "/v2/publications/pub_1/subscriptions":
        states = ("active", "inactive") if "cursor" not in query else ("validating", "odd")
        rows = [
            {"email": f"{state}@bh.example", "status": state, "created": 1641117600, "tags": ["a"]}
            for state in states
        ]
        more = {"has_more": "cursor" not in query, "next_cursor": "c2"}
        return Answer.of({"data": rows, "limit": 100, **more})
    if path == "/v2/publications/pub_1/posts":
        post: dict[str, Any] = {
            "id": "post_1",
            "subject_line": "Seals",
            "status": "confirmed",
            "audience": "free",
        }
        post |= {"platform": "both", "publish_date": 1680674400}
        post |= {"content": {"free": {"web": "<p>Back.</p>"}}}
        return Answer.of({"data": [post], "page": 1, "total_pages": 1})
    return Answer(404)


def _has_ghost_token(request: Request) -> bool:
    """Check the token as Ghost does: signed with the secret, for the API of administrators."""
    scheme, _, token = str(request.headers["Authorization"]).partition(" ")
    head, body, signature = token.split(".")
    secret = bytes.fromhex(GHOST_KEY.partition(":")[2])
    expected = hmac.digest(secret, f"{head}.{body}".encode(), "sha256")
    values = json.loads(_decoded(body))
    return (
        scheme == "Ghost"
        and _decoded(signature) == expected
        and json.loads(_decoded(head)) == {"alg": "HS256", "typ": "JWT", "kid": "6501"}
        and values["aud"] == "/admin/"
        and 0 < values["exp"] - values["iat"] <= 300
    )


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _member(email: str, newsletters: list[dict[str, str]], **fields: Any) -> dict[str, Any]:
    suppression = {"suppressed": False, "info": None}
    created = {"created_at": "2022-01-02T10:00:00.000Z", "email_suppression": suppression}
    return {"email": email, "newsletters": newsletters, **created, **fields}


def _listmonk_subscriber(email: str, state: str) -> dict[str, Any]:
    membership = {"id": 3, "subscription_status": state}
    membership["subscription_created_at"] = "2022-01-02T10:00:00.000000+01:00"
    return {"email": email, "status": "enabled", "lists": [membership], "attribs": {"city": "Ulm"}}


def _results(rows: list[dict[str, Any]]) -> Answer:
    return Answer.of({"data": {"results": rows, "total": len(rows), "page": 1}})


def _address(request: Request) -> tuple[str, Mapping[str, list[str]]]:
    parts = urlsplit(request.path)
    return parts.path, parse_qs(parts.query)
