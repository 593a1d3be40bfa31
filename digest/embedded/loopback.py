"""Pages for the person at this machine and for nobody else."""

from collections.abc import Callable
from functools import wraps
from ipaddress import ip_address
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

_SAYS_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")

View = Callable[..., HttpResponse]


def only_from_this_machine(view: View) -> View:
    """Answer 404 to whoever does not come over loopback, or comes through a proxy."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not _is_here(request):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def _is_here(request: HttpRequest) -> bool:
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return address.is_loopback and not any(name in request.META for name in _SAYS_FORWARDED)
