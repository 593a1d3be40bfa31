"""Operations of the API: each names its path, the scopes it needs, and what it returns."""

from collections.abc import Callable
from typing import Any

from ninja import Router

from digest.accounts.scopes import Scope
from digest.api.authentication import require_scopes
from digest.api.problems import STATUSES

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Operations(Router):
    """The operations on one kind of thing. `also` holds further statuses and what they return."""

    def read(self, path: str, *scopes: Scope, returns: Any) -> Decorator:
        """Add an operation that changes nothing: GET, 200."""
        return self._add("GET", path, scopes, {200: returns})

    def create(
        self, path: str, *scopes: Scope, returns: Any, also: dict[int, Any] | None = None
    ) -> Decorator:
        """Add an operation that creates something: POST, 201."""
        return self._add("POST", path, scopes, {201: returns, **(also or {})})

    def run(self, path: str, *scopes: Scope, returns: Any) -> Decorator:
        """Add an operation that does something with what exists: POST, 200."""
        return self._add("POST", path, scopes, {200: returns})

    def accept(self, path: str, *scopes: Scope, returns: Any) -> Decorator:
        """Add an operation that is finished later: POST, 202."""
        return self._add("POST", path, scopes, {202: returns})

    def change(self, path: str, *scopes: Scope, returns: Any) -> Decorator:
        """Add an operation that changes some fields: PATCH, 200."""
        return self._add("PATCH", path, scopes, {200: returns})

    def remove(self, path: str, *scopes: Scope) -> Decorator:
        """Add an operation that removes something: DELETE, 204 and no body."""
        return self._add("DELETE", path, scopes, {204: None})

    def _add(
        self, method: str, path: str, scopes: tuple[Scope, ...], responses: dict[int, Any]
    ) -> Decorator:
        return self.api_operation(
            [method], path, auth=require_scopes(*scopes), response={**responses, **STATUSES}
        )
