"""The page of a link that opens nothing: damaged, of another purpose, or of rows that are gone."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from digest.core import languages
from digest.core.errors import LinkError, LinkGoneError
from digest.web import visitor


def refuse_link(request: HttpRequest, problem: LinkError) -> HttpResponse:
    """Say why a link opens nothing, and what to do; it shows nothing of whoever has its ids now.

    404, or 410 for a link that was ours once (RFC 9110 §15.5.11).
    """
    outdated = isinstance(problem, LinkGoneError)
    with languages.override(visitor.language(request)):
        template = "gone_link.html.j2" if outdated else "invalid_link.html.j2"
        return render(request, template, status=410 if outdated else 404)
