"""The public pages of issues: which newsletters there are, their past issues, one issue, a feed."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from digest.accounts import first
from digest.core import clock, languages
from digest.core.links import absolute
from digest.newsletters.models import Newsletter
from digest.rendering.theme import theme_of
from digest.web import visitor
from digest.web.archive import find_issue, issues, page_of, publications

PAGE = 50
# An issue shows pictures from anywhere, and its styles stand in the document; nothing else runs.
ISSUE_POLICY = (
    "default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """List every publication's newsletters; a fresh installation leads to its setup."""
    known = publications()
    if not known and first.is_missing():
        return redirect("setup:account")
    return render(request, "home.html.j2", {"publications": known})


@require_safe
def archive(request: HttpRequest, newsletter: str) -> HttpResponse:
    """List a newsletter's issues, the latest first."""
    found = _newsletter(newsletter)
    page = Paginator(issues(found), PAGE).get_page(request.GET.get("page"))
    zone = clock.zone(found.publication.timezone)
    context = {"newsletter": found, "page": page, "zone": zone}
    with languages.spoken(visitor.language_for(request, found)):
        return render(request, "archive/list.html.j2", context)


@require_safe
@cache_control(public=True, max_age=300)
def issue(request: HttpRequest, newsletter: str, key: str) -> HttpResponse:  # noqa: ARG001  Django's
    """Show an issue as it was sent, without what was for one subscriber."""
    issue = find_issue(_newsletter(newsletter), key)
    if issue is None:
        raise Http404
    response = HttpResponse(page_of(issue))
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


def _newsletter(slug: str) -> Newsletter:
    return get_object_or_404(Newsletter.objects.select_related("publication"), slug=slug)
