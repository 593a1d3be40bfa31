"""The page of a link that opens nothing: damaged, of another purpose, or of rows that are gone."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from digest.core import languages
from digest.core.errors import LinkError, LinkGoneError
from digest.web import visitor

LinkPage = Callable[[HttpRequest, str], HttpResponse]


def link_page(view: LinkPage) -> Callable[[HttpRequest, str], HttpResponseBase]:
    """Decorate the page of a link in a mail: GET, HEAD or POST, never cached.

    Its token alone authorises: a mail program posts without cookies (RFC 8058 §3.2), and there is
    none that another site could use. A LinkError of the view becomes the page of `refuse_link`.
    """

    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def page(request: HttpRequest, token: str) -> HttpResponse:
        try:
            return view(request, token)
        except LinkError as problem:
            return refuse_link(request, problem)

    return page


def refuse_link(request: HttpRequest, problem: LinkError) -> HttpResponse:
    """Say why a link opens nothing, and what to do; it shows nothing of whoever has its ids now.

    404, or 410 for a link that was ours once (RFC 9110 §15.5.11).
    """
    outdated = isinstance(problem, LinkGoneError)
    with languages.override(visitor.language(request)):
        template = "gone_link.html.j2" if outdated else "invalid_link.html.j2"
        return render(request, template, status=410 if outdated else 404)
