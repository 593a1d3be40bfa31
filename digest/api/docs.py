"""The page with the API's documentation: Swagger UI, from this installation's own files.

Its Content-Security-Policy also allows scripts and requests to our own address.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def page(request: HttpRequest) -> HttpResponse:
    """Show the API's operations, and let visitors try them with a token of their own."""
    response = render(request, "api/docs.html.j2")
    response["Content-Security-Policy"] = POLICY
    return response
