"""Where Stripe reports who pays."""

import structlog
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from digest.core import clock
from digest.core.errors import ConfigurationError, DigestError, LinkError
from digest.entitlements import receiving
from digest.entitlements.errors import SignatureError, UnreadableError
from digest.entitlements.signatures import HEADER

log = structlog.get_logger(__name__)


@csrf_exempt
def receive(request: HttpRequest, token: str) -> HttpResponse:
    """Store what Stripe reports: 200 once it is stored, or was before. Stripe repeats the rest."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    signature = request.headers.get(HEADER, "")
    try:
        body = request.body
    except UnreadablePostError as cause:
        return _refuse(UnreadableError(f"The body broke off: {cause}"))
    try:
        outcome = receiving.receive(token, signature, body, clock.now())
    except (LinkError, SignatureError, UnreadableError, ConfigurationError) as problem:
        return _refuse(problem)
    return HttpResponse(outcome or "known", content_type="text/plain; charset=utf-8")


_STATUSES = {LinkError: 404, SignatureError: 401, UnreadableError: 422, ConfigurationError: 503}


def _refuse(problem: DigestError) -> HttpResponse:
    status = next(status for kind, status in _STATUSES.items() if isinstance(problem, kind))
    log.warning("stripe call refused", status=status, problem=str(problem))
    return HttpResponse(str(problem), status=status, content_type="text/plain; charset=utf-8")
