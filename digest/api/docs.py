"""The page that shows the API: Swagger UI from this installation's own files.

The policy is widened by scripts and calls to our own address, for this page alone.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def page(request: HttpRequest) -> HttpResponse:
    """Show the API's description, and let calls be tried with one's own token."""
    response = render(request, "api/docs.html.j2")
    response["Content-Security-Policy"] = POLICY
    return response
