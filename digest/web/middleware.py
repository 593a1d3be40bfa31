"""A strict content security policy and a language for every page."""

from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from digest.web import visitor

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


class ContentSecurityPolicy:
    """Adds the strict policy unless the view set its own."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response with a policy."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", STRICT)
        return response


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
