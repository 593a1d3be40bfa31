"""Says whether the process is up, and whether it can work."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from digest.web import health


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's
    """Say that the process is up."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001  Django's
    """Say whether the process can work: 200, or 503 with what it cannot reach."""
    found = health.problems()
    return JsonResponse({"ready": not found, "problems": found}, status=503 if found else 200)
