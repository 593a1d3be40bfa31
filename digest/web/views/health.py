"""Health checks: whether the process is up, and whether it reaches its services."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from digest.web import health


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's
    """Return 200 as long as the process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001  Django's
    """Return 200 if all services can be reached, or 503 with those that cannot."""
    problems = health.find_problems()
    return JsonResponse(
        {"ready": not problems, "problems": problems}, status=503 if problems else 200
    )
