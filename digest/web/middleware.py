"""Headers that every response has, and a language for every page."""

from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from digest.web import visitor
from digest.web.views import clicks, health, metrics

_STRICT = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

Handler = Callable[[HttpRequest], HttpResponse]


def policy(widened: Mapping[str, str] | None = None) -> str:
    """Return the strict policy, with some directives widened or added."""
    widened = widened or {}
    parts = dict(_STRICT)
    for directive, sources in widened.items():
        present = parts.get(directive, "")
        is_closed = present in {"", "'none'"}
        parts[directive] = sources if is_closed else f"{present} {sources}"
    return "; ".join(f"{directive} {sources}" for directive, sources in parts.items())


STRICT = policy()
NO_DEVICES = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "screen-wake-lock",
        "serial",
        "usb",
        "xr-spatial-tracking",
    )
)
INDEXED = (
    *("/archive/", "/newsletters/", "/subscribe/", "/static/", "/sample/"),
    *("/favicon.ico", "/robots.txt"),
)


class ResponseHeaders:
    """Adds to every response, files too, what a view has not set itself.

    The strict policy; no use of a visitor's devices; and that nothing is stored or indexed but what
    is there to be found: addresses of subscribers' pages hold tokens, and the console only says
    "Sign in".
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response with these headers."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", STRICT)
        response.headers.setdefault("Permissions-Policy", NO_DEVICES)
        if request.path != "/" and not request.path.startswith(INDEXED):
            response.headers.setdefault("X-Robots-Tag", "noindex, nofollow")
            if not response.has_header("Cache-Control"):
                add_never_cache_headers(response)
        return response


class HealthChecks:
    """Answers health checks before the host name is checked: probes use a machine's address."""

    VIEWS: Mapping[str, Handler] = {
        "/healthz": health.healthz,
        "/readyz": health.readyz,
        "/metrics": metrics.metrics,
    }

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the state of health, or whatever follows."""
        return self.VIEWS.get(request.path_info, self.get_response)(request)


class TrackedLinks:
    """Answers tracked links at once: a click needs neither session nor language."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the redirect, or whatever follows."""
        return clicks.answer_at_once(request) or self.get_response(request)


class Language:
    """Activates the language of the URL (?lang=) or the browser; views may override it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response in that language, and tell caches that it varies."""
        with translation.override(visitor.language(request)):
            response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["Accept-Language"])
        return response
