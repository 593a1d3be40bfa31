"""Record in the audit log what API tokens did, in the name of their owners."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from digest.accounts import audit
from digest.core import client_ip, clock

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def record_reading(request: HttpRequest) -> None:
    """Let a request be recorded although it changes nothing: it hands out somebody's data."""
    request.digest_reading_recorded = True  # type: ignore[attr-defined]


def record_reason(request: HttpRequest, reason: str) -> None:
    """Let a request be recorded with the reason that it gives."""
    request.digest_reason = reason  # type: ignore[attr-defined]


class AuditMiddleware:
    """Records every API request that changed something, and those that are to be recorded."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response, after recording the request."""
        response = self.get_response(request)
        caller: Any = getattr(request, "digest_caller", None)
        succeeded = response.status_code < 400 and "Idempotency-Replayed" not in response
        is_recorded = request.method not in _SAFE_METHODS or getattr(
            request, "digest_reading_recorded", False
        )
        reason = getattr(request, "digest_reason", "")
        if caller and succeeded and is_recorded:
            audit.record(
                caller.token.owner,
                f"{request.method} {request.path}" + (f": {reason}" if reason else ""),
                clock.now(),
                publication_id=caller.publication_id,
                ip=client_ip.address(request),
                via=f"API token {caller.token.name}",
            )
        return response
