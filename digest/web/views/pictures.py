"""The files of pictures that mails show."""

import re

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.views.decorators.http import require_safe

from digest.pictures import storage
from digest.pictures.errors import PicturesUnavailableError

_NAME = re.compile(r"[0-9a-f]{32}-[a-z]{1,20}\.(?P<extension>jpg|png)", re.ASCII)
_FOR_EVER = "public, max-age=31536000, immutable"  # a name stands for the same bytes for ever


@require_safe
def picture(request: HttpRequest, name: str) -> HttpResponse:
    """Return a file by its name, or 404; there is no list of them."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise Http404
    etag = f'"{name}"'
    is_fresh = etag in request.headers.get("If-None-Match", "")
    return _answer(name, match["extension"], etag, is_fresh=is_fresh)


def _answer(name: str, extension: str, etag: str, *, is_fresh: bool) -> HttpResponse:
    try:
        content = storage.load(storage.shown_name(name))
    except FileNotFoundError as cause:
        raise Http404 from cause
    except PicturesUnavailableError as problem:
        return HttpResponse(str(problem), "text/plain", 503, headers={"Retry-After": "30"})
    headers = {
        "Cache-Control": _FOR_EVER,
        "ETag": etag,
        "Cross-Origin-Resource-Policy": "cross-origin",  # mail programs of the web show it
        "X-Content-Type-Options": "nosniff",
    }
    if is_fresh:
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(content, storage.TYPES[extension], headers=headers)
