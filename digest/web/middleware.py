"""What every page keeps to: a strict content security policy, and a language."""

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
        kept = parts.get(directive, "")
        parts[directive] = sources if kept in {"", "'none'"} else f"{kept} {sources}"
    return "; ".join(f"{directive} {sources}" for directive, sources in parts.items())


STRICT = policy()


class ContentSecurityPolicy:
    """Adds the strict policy unless the view set one of its own."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with a policy on it."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", STRICT)
        return response


class Language:
    """Answers in the language that the address or the browser asks for; views may know better."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in a language, and tell caches that it depends."""
        with translation.override(visitor.language(request)):
            response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["Accept-Language"])
        return response
