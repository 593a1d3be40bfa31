"""How large the body of a request may be: small everywhere, larger where files are uploaded.

The web server (digest.web.serving) reads no more than this, whatever Content-Length says and also
where there is none; the middleware refuses before anything parses a body.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

LARGEST_BODY = 1_000_000  # bytes
# By the beginning of the path. A million addresses need about 25 MB, a picture has at most that;
# a form adds a little. SparkPost calls with a thousand events and more, of over 1 KB.
UPLOADS = {
    "/admin/subscribers/import": 31_000_000,
    "/admin/pictures/upload": 26_000_000,
    "/provider-events/": 2_500_000,
}
TOO_LARGE = "This is too large: at most {limit:,} bytes can be sent here."


def largest_body(path: str) -> int:
    """Return how many bytes the body of a request to `path` may have."""
    for beginning, limit in UPLOADS.items():
        if path.startswith(beginning):
            return limit
    return LARGEST_BODY


class BodyLimit:
    """Refuses (413) what is larger than its path allows, before anything reads it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or refuse."""
        limit = largest_body(request.path)
        # The API answers in its own words (digest.api.authentication), and never reads more.
        if declared_length(request) <= limit or request.path.startswith("/api/"):
            return self.get_response(request)
        return HttpResponse(TOO_LARGE.format(limit=limit), "text/plain", 413)


def declared_length(request: HttpRequest) -> int:
    """Return what Content-Length says, in bytes; 0 for none and for nonsense."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length[:18]) if length.isascii() and length.isdigit() else 0
