"""Where the publisher's systems report their articles."""

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from digest.connectors import receiving
from digest.connectors.errors import SignatureError, UnreadableError
from digest.core import clock
from digest.core.errors import ConfigurationError, DigestError, LinkError

log = structlog.get_logger(__name__)


@csrf_exempt
def receive(request: HttpRequest, token: str) -> HttpResponse:
    """Store what a system reports: 202 once it is stored.

    Never 410, at which Ghost deletes the webhook. GET and HEAD, by which people and systems look
    whether the address exists, change nothing.
    """
    if request.method in {"GET", "HEAD"}:
        return HttpResponse(status=204)
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD, POST"})
    try:
        receiving.receive(token, request.headers, request.body, clock.now())
    except (LinkError, SignatureError, UnreadableError, ConfigurationError) as problem:
        return _refuse(problem)
    return HttpResponse(status=202)


_STATUSES = {LinkError: 404, SignatureError: 401, UnreadableError: 422, ConfigurationError: 503}


def _refuse(problem: DigestError) -> HttpResponse:
    status = next(status for kind, status in _STATUSES.items() if isinstance(problem, kind))
    log.warning("article call refused", status=status, problem=str(problem))
    return HttpResponse(str(problem), status=status, content_type="text/plain; charset=utf-8")
