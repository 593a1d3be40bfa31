"""Where providers report bounces, rejections and complaints."""

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from digest.bounces.providers import receiving
from digest.bounces.providers.errors import ProviderEventError
from digest.core import clock
from digest.core.errors import DigestError, LinkError

log = structlog.get_logger(__name__)


@csrf_exempt
def events(request: HttpRequest, token: str) -> HttpResponse:
    """Record a provider's events: 200 once they are stored, else it tries again later.

    Providers open the address by HEAD or GET when it is entered; nothing happens then.
    """
    if request.method in {"GET", "HEAD"}:
        return HttpResponse()
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD, POST"})
    try:
        receiving.receive(token, request, clock.now())
    except LinkError:
        return HttpResponse(status=404)
    except ProviderEventError as problem:
        log.warning("provider events refused", problem=str(problem))
        return HttpResponse(str(problem), status=403, content_type="text/plain")
    except DigestError as problem:
        log.warning("provider events deferred", problem=str(problem))
        return HttpResponse(status=503)
    return HttpResponse()
