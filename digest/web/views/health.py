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
    """Return 200 if pages can be served, or 503 with what prevents it.

    `degraded` names the services that are away and that the pages do without.
    """
    state = health.check_health()
    return JsonResponse(
        {"ready": state.is_ready, "problems": state.problems, "degraded": state.degraded},
        status=200 if state.is_ready else 503,
    )
