"""How long responses take and how they end, by class of page; an id of each request for logs."""

import re
import time
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bound_contextvars

from digest.core.telemetry import count, observe, traces
from digest.core.telemetry.metrics import RESPONSE_SECONDS, RESPONSES

# The first part of a path, and what such a page is called.
PAGES = {
    "": "home",
    "admin": "console",
    "api": "api",
    "archive": "archive",
    "click": "click",
    "confirm": "confirm",
    "embed": "embed",
    "healthz": "health",
    "issue": "archive",
    "metrics": "health",
    "open": "open",
    "pictures": "pictures",
    "preferences": "preferences",
    "read": "archive",
    "readyz": "health",
    "report": "report",
    "static": "static",
    "subscribe": "subscribe",
    "unsubscribe": "unsubscribe",
}
OTHER = "other"
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


class ResponseTimes:
    """Observes each response; the first middleware, so that all that others do is included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response, and observe it."""
        start, request_key = time.monotonic(), request_id(request)
        page = page_class(request.path_info)
        with (
            bound_contextvars(request_id=request_key),
            traces.span(f"{request.method} {page}", {"request_id": request_key}) as span,
        ):
            response = self.get_response(request)
            span.set_attributes(_described(request, response))
        observe(RESPONSE_SECONDS, time.monotonic() - start, page)
        count(RESPONSES, page, f"{response.status_code // 100}xx")
        return response


def _described(request: HttpRequest, response: HttpResponse) -> dict[str, str | int]:
    """Return what a trace says of a request: its route, never its path, which may hold a token."""
    match = request.resolver_match
    return {
        "http.request.method": str(request.method),
        "http.response.status_code": response.status_code,
        "http.route": match.route if match else "",
    }


def request_id(request: HttpRequest) -> str:
    """Return the id that a proxy gave the request (X-Request-ID), or a new one."""
    from_proxy = request.headers.get("X-Request-ID", "")
    return from_proxy if _REQUEST_ID.fullmatch(from_proxy) else uuid.uuid4().hex[:12]


def page_class(path: str) -> str:
    """Return the class of a page: few, and nothing that a stranger can choose."""
    return PAGES.get(path.lstrip("/").partition("/")[0], OTHER)
