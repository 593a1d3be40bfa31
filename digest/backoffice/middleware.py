"""What the console's pages may load and run: their own files, and nothing that stands in a page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

CONSOLE = "/admin/"
# unfold's Alpine reads expressions from attributes, which takes 'unsafe-eval'; no script may stand
# in a page, so what strangers wrote runs nothing. Pictures of stories come from anywhere.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: https: http:; font-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class ConsolePolicy:
    """Adds the console's policy to its pages, unless the view set one of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the policy on it."""
        response = self.get_response(request)
        if request.path.startswith(CONSOLE):
            response.headers.setdefault("Content-Security-Policy", POLICY)
            # Without a referrer browsers hide where a form comes from, which is what CSRF asks.
            response.headers.setdefault("Referrer-Policy", "same-origin")
        return response
