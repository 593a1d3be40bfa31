"""Public pages. Each parses its request, makes one call into the house, and shapes the answer."""

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from digest.core import clock
from digest.core.errors import LinkError
from digest.core.links import absolute, read_unsubscribe_token
from digest.delivery.compiling import compiled_for
from digest.newsletters.models import Newsletter
from digest.rendering.theme import theme_of
from digest.web import health, leaving
from digest.web.archive import find_issue, issues, publications

PAGE = 50
# An edition shows pictures from anywhere, and its styles stand in the document; nothing else runs.
ISSUE_POLICY = (
    "default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """List every publication's newsletters."""
    return render(request, "home.html.j2", {"publications": publications()})


@require_safe
def archive(request: HttpRequest, newsletter: str) -> HttpResponse:
    """List a newsletter's issues, the latest first."""
    found = _newsletter(newsletter)
    page = Paginator(issues(found), PAGE).get_page(request.GET.get("page"))
    zone = clock.zone(found.publication.timezone)
    return render(
        request, "archive/list.html.j2", {"newsletter": found, "page": page, "zone": zone}
    )


@require_safe
@cache_control(public=True, max_age=300)
def issue(request: HttpRequest, newsletter: str, key: str) -> HttpResponse:  # noqa: ARG001  Django's
    """Show an issue as it was sent, without what was for one reader."""
    edition = find_issue(_newsletter(newsletter), key)
    if edition is None:
        raise Http404
    response = HttpResponse(compiled_for(edition).html())
    response.headers["Content-Security-Policy"] = ISSUE_POLICY
    return response


@require_safe
@cache_control(public=True, max_age=300)
def feed(request: HttpRequest, newsletter: str) -> HttpResponse:
    """Give the issues as Atom (RFC 4287)."""
    found = _newsletter(newsletter)
    latest = list(issues(found)[:PAGE])
    context = {
        "newsletter": found,
        "issues": latest,
        "updated": latest[0].planned_at if latest else found.created_at,
        "absolute": absolute,
    }
    return render(
        request, "archive/feed.xml.j2", context, content_type="application/atom+xml; charset=utf-8"
    )


@require_safe
@cache_control(public=True, max_age=300)
def colours(request: HttpRequest, newsletter: str) -> HttpResponse:
    """Give the publication's colours as a style sheet; the policy lets no page carry its own."""
    publication = _newsletter(newsletter).publication
    theme = theme_of(publication.accent, publication.accent_dark, "ltr")
    return render(request, "archive/colours.css.j2", {"theme": theme}, content_type="text/css")


@csrf_exempt  # RFC 8058 §3.2: a mail program posts without cookies; the token alone is the right
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or (POST alone) unsubscribe at once; no redirect, no cookie (RFC 8058 §3.1)."""
    try:
        link = read_unsubscribe_token(token)
    except LinkError:
        return render(request, "unsubscribe/unknown.html.j2", status=404)
    if request.method == "POST":
        address = request.META.get("REMOTE_ADDR") or None
        now = leaving.leave(link, via=_via(request), ip=address, now=clock.now())
    else:
        now = leaving.standing(link)
    newsletter = Newsletter.objects.select_related("publication").filter(pk=link.newsletter).first()
    context = {"newsletter": newsletter, "standing": now.name, "done": request.method == "POST"}
    return render(request, "unsubscribe/page.html.j2", context)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's
    """Say that the process is up."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001  Django's
    """Say whether the process can work: 200, or 503 with what it cannot reach."""
    found = health.problems()
    return JsonResponse({"ready": not found, "problems": found}, status=503 if found else 200)


def _newsletter(slug: str) -> Newsletter:
    return get_object_or_404(Newsletter.objects.select_related("publication"), slug=slug)


def _via(request: HttpRequest) -> str:
    """Say whether a mail program posted or a person did; a body nobody can read is still a wish."""
    try:
        asked = request.POST.get("List-Unsubscribe")
    except (MultiPartParserError, BadRequest, SuspiciousOperation):
        asked = None
    return "one-click" if asked == "One-Click" else "page"
