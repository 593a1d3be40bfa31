"""The console's content security policy, and the way to a first account."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.cache import add_never_cache_headers

from digest.accounts import first_account

CONSOLE = "/admin/"
# Alpine evaluates expressions in attributes, which needs 'unsafe-eval'. Inline scripts are refused,
# so text from outside runs nothing. Images of stories come from anywhere.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: https: http:; font-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class ConsolePolicy:
    """Adds the policy to the console's pages, unless a view set its own; refuses NUL in input."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the policy."""
        response = self.get_response(request)
        if request.path.startswith(CONSOLE):
            response.headers.setdefault("Content-Security-Policy", POLICY)
            # Without a referrer, browsers hide a form's origin, which the CSRF check needs.
            response.headers.setdefault("Referrer-Policy", "same-origin")
            # Pages show subscribers' addresses: browsers must not store them after signing out.
            if not response.has_header("Cache-Control"):
                add_never_cache_headers(response)
        return response

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        """Refuse NUL: no browser sends it, and PostgreSQL cannot store it in text."""
        if not request.path.startswith(CONSOLE):
            return
        if "\0" in request.path or any(map(_holds_nul, (request.GET, request.POST))):
            raise BadRequest("NUL is not allowed in text.")


class ConsoleLanguage:
    """Activates English for the console, whose own texts have no translations.

    Otherwise Django's texts and dates would follow the browser, in the middle of English pages.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response in English."""
        if not request.path.startswith(CONSOLE):
            return self.get_response(request)
        with translation.override("en"):
            return self.get_response(request)


class FirstRun:
    """Redirects to the page that creates the first account, while there is none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or redirect."""
        in_console = request.path.startswith(CONSOLE) and request.path != reverse("setup:account")
        if in_console and not request.user.is_authenticated and first_account.is_missing():
            return redirect("setup:account")
        return self.get_response(request)


def _holds_nul(data: QueryDict) -> bool:
    return any("\0" in text for name, values in data.lists() for text in (name, *values))
