"""Calls to Digest's API, with one token."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from digest import __version__
from digest.mcp.errors import McpError

SECONDS = 30.0
_PATH = re.compile(r"(/[A-Za-z0-9_-]+)+")  # of an operation: nothing that leads to another one


@dataclass(frozen=True, slots=True)
class TokenDetails:
    """What the API says of a token."""

    name: str
    scopes: frozenset[str]
    publication: str | None  # the only one that it reaches


class Api:
    """Digest's API at an address (https://…, without /api/v1)."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1",
            headers={"Authorization": f"Bearer {token}", "User-Agent": f"digest-mcp/{__version__}"},
            timeout=SECONDS,
        )

    def get(self, path: str, **query: str | int | None) -> Any:
        """Return what an operation answers; queries that are None are left out."""
        present = {name: value for name, value in query.items() if value is not None}
        return self._call("GET", path, params=present)

    def create(self, path: str, body: Mapping[str, Any]) -> Any:
        """Create something once, however often the connection breaks; return it."""
        return self._call("POST", path, json=body, headers={"Idempotency-Key": uuid4().hex})

    def token_details(self) -> TokenDetails:
        """Return what the token may do. Raises McpError where it does not work."""
        token = self.get("/token")
        try:
            return TokenDetails(token["name"], frozenset(token["scopes"]), token["publication"])
        except (LookupError, TypeError) as cause:
            raise McpError("This address is not Digest's: it says nothing of the token.") from cause

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _call(self, method: str, path: str, **options: Any) -> Any:
        if not _PATH.fullmatch(path):
            raise McpError(f"{path!r} is not a path of the API. Use ids and short names as listed.")
        try:
            response = self._client.request(method, path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as cause:
            raise McpError(
                f"Digest could not be reached at {self._client.base_url.host}: {cause}"
            ) from cause
        if response.is_success:
            return _json(response)
        raise McpError(_reason(response))


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as cause:
        raise McpError("This address is not Digest's: the answer is not JSON.") from cause


def _reason(response: httpx.Response) -> str:
    """Return why a call failed, in the API's own words where it has some (RFC 9457)."""
    try:
        detail = response.json()["detail"]
    except (ValueError, LookupError, TypeError):
        detail = ""
    return str(detail) or f"Digest answered {response.status_code} {response.reason_phrase}."
