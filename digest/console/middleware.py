"""What the console's pages may load and run; and where it leads while nobody has an account."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from digest.accounts import first

CONSOLE = "/admin/"
# unfold's Alpine reads expressions from attributes, which takes 'unsafe-eval'; no script may stand
# in a page, so what strangers wrote runs nothing. Pictures of stories come from anywhere.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: https: http:; font-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class ConsolePolicy:
    """Adds the console's policy, unless the view set one of its own; refuses what is no text."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the policy on it."""
        response = self.get_response(request)
        if request.path.startswith(CONSOLE):
            response.headers.setdefault("Content-Security-Policy", POLICY)
            # Without a referrer browsers hide where a form comes from, which is what CSRF asks.
            response.headers.setdefault("Referrer-Policy", "same-origin")
            # Subscribers' addresses stand here: nothing stays in a browser that was signed out of.
            if not response.has_header("Cache-Control"):
                add_never_cache_headers(response)
        return response

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        """Refuse NUL, which no browser sends and no text of PostgreSQL's holds."""
        if request.path.startswith(CONSOLE) and any(map(_holds_nul, (request.GET, request.POST))):
            raise BadRequest("NUL is no text")


class FirstRun:
    """Leads to where the first account is made, while there is nobody who could sign in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or lead there."""
        ours = request.path.startswith(CONSOLE) and request.path != reverse("setup:account")
        if ours and not request.user.is_authenticated and first.is_missing():
            return redirect("setup:account")
        return self.get_response(request)


def _holds_nul(said: QueryDict) -> bool:
    return any("\0" in one for name, values in said.lists() for one in (name, *values))
