"""What programs did goes into the audit log, in the name of whoever answers for them."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from digest.accounts import audit
from digest.core import client_ip, clock

_LOOKING = {"GET", "HEAD", "OPTIONS"}


class Trail:
    """Notes every call that changed something."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and note what was done."""
        response = self.get_response(request)
        caller: Any = getattr(request, "digest_caller", None)
        done = response.status_code < 400 and "Idempotency-Replayed" not in response
        if caller and done and request.method not in _LOOKING:
            audit.record(
                caller.token.owner,
                f"{request.method} {request.path}",
                clock.now(),
                publication_id=caller.publication_id,
                ip=client_ip.address(request),
                via=f"by the program {caller.token.name}",
            )
        return response
