"""Figures for Prometheus, for whoever has the token or comes from an address that is named."""

from hmac import compare_digest
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from digest.core import client_ip


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return all figures; 404 to everybody else, and while no token and no address is set."""
    if not _is_allowed(request):
        return HttpResponse("Not found\n", status=404, content_type="text/plain")
    # Here, so that processes whose figures nobody reads do not load Prometheus's library.
    from digest.monitoring.exposition import CONTENT_TYPE, expose

    return HttpResponse(expose(), content_type=CONTENT_TYPE)


def _is_allowed(request: HttpRequest) -> bool:
    token = settings.DIGEST_METRICS_TOKEN
    header = request.headers.get("Authorization", "")
    if token and compare_digest(header.encode(), f"Bearer {token}".encode()):
        return True
    address = client_ip.known_address(request)
    return address is not None and any(
        ip_address(address) in network for network in settings.DIGEST_METRICS_ALLOW
    )
