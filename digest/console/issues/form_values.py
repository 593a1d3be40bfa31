"""Numbers in the forms of an issue's page."""

from django.http import HttpRequest

from digest.console.access import parse_id
from digest.core.errors import DigestError


def read_number(request: HttpRequest, name: str) -> int:
    """Return a number of the form; raise DigestError if it is missing or is not a number."""
    if (number := parse_id(request.POST.get(name, ""))) is None:
        raise DigestError("This page is out of date. Reload it.")
    return number


def read_optional(request: HttpRequest, name: str) -> int | None:
    """Return a number of the form, None if the form does not have it."""
    return read_number(request, name) if name in request.POST else None
