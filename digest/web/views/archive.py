"""The public pages of issues: all newsletters, one newsletter's past issues, one issue, a feed."""

from collections.abc import Callable
from typing import Any

from django.contrib.sitemaps.views import sitemap as render_sitemap
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from digest.accounts import first_account
from digest.articles.parsing.markup import xml_safe
from digest.core import clock, languages
from digest.core.errors import LinkError
from digest.core.links import absolute
from digest.newsletters.models import Newsletter, Publication
from digest.newsletters.publicity.archive_access import ArchiveAccess
from digest.rendering.themes.branding import publication_theme
from digest.sending.public_archive import (
    cover_of,
    find_linked_issue,
    find_newsletter,
    list_publications,
    picture_of,
    public_issues,
    render_issue,
    with_stories,
)
from digest.web import issue_page, protected, visitor
from digest.web.archive_entries import Entries, find_entry
from digest.web.middleware import policy
from digest.web.refusals import refuse_link
from digest.web.sitemaps import SITEMAPS
from digest.web.views.protected import keep_private, teaser

PAGE_SIZE = 50
# An issue loads pictures from anywhere and carries its own styles; nothing else may run or load.
ISSUE_POLICY = (
    "default-src 'none'; img-src https: http: data:; style-src 'self' 'unsafe-inline'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """List every publication's newsletters; a new installation redirects to its setup."""
    publications = list_publications()
    if not publications and first_account.is_missing():
        return redirect("setup:account")
    return render(request, "home.html.j2", {"publications": publications})


@require_safe
def archive(request: HttpRequest, slug: str) -> HttpResponse:
    """List a newsletter's issues, the latest first."""
    newsletter = _newsletter(slug)
    entries: Any = Entries(newsletter)
    page = Paginator(entries, PAGE_SIZE).get_page(request.GET.get("page"))
    zone = clock.zone(newsletter.publication.timezone)
    context = {
        "newsletter": newsletter,
        "page": page,
        "zone": zone,
        "cover_of": cover_of,
        "address": absolute(request.path),
    }
    with languages.override(visitor.language_for(request, newsletter)):
        response = render(request, "archive/list.html.j2", context)
    response.headers["Content-Security-Policy"] = policy({"img-src": "https: http:"})
    return response


@require_safe
def issue(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Show an issue as it was sent, without what is specific to one subscriber; or a teaser."""
    entry = find_entry(_newsletter(slug), key)
    if entry is None:
        raise Http404
    if protected.access_of(entry) == ArchiveAccess.PUBLIC:
        response = _issue_page(entry.newsletter, lambda: issue_page.render_page(entry))
        patch_cache_control(response, public=True, max_age=300)
        return response
    if not protected.may_read(request, entry, clock.now()):
        with languages.override(visitor.language_for(request, entry.newsletter)):
            return teaser(request, entry)
    response = _issue_page(entry.newsletter, lambda: issue_page.render_page(entry))
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return keep_private(response)


@require_safe
@cache_control(private=True, max_age=300)
def linked_issue(request: HttpRequest, token: str) -> HttpResponse:
    """Show an issue to those who have the link in its mails, or lead them to the public archive."""
    try:
        issue = find_linked_issue(token)
    except LinkError as problem:
        return refuse_link(request, problem)
    if issue is None:
        raise Http404
    is_open = issue.readable_by == ArchiveAccess.PUBLIC
    if is_open and public_issues(issue.newsletter).filter(pk=issue.pk).exists():
        return redirect("issue", issue.newsletter.slug, issue.key)
    response = _issue_page(issue.newsletter, lambda: render_issue(issue))
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@require_safe
@conditional_page  # readers ask again and again
@cache_control(public=True, max_age=300)
def feed(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the latest issues as Atom (RFC 4287)."""
    newsletter = _newsletter(slug)
    latest = list(with_stories(public_issues(newsletter))[:PAGE_SIZE])
    moments = [issue.planned_at for issue in latest if issue.planned_at]
    context = {
        "newsletter": newsletter,
        "issues": latest,
        "updated": max(moments, default=newsletter.created_at),
        "absolute": absolute,
        "picture_of": picture_of,
    }
    # One control character, which text from other programs may hold, would end the whole feed.
    content = xml_safe(render_to_string("archive/feed.xml.j2", context, request))
    return HttpResponse(content, "application/atom+xml; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=300)
def colours(request: HttpRequest, slug: str) -> HttpResponse:
    """Return a publication's colours as a style sheet; the policy allows no inline styles."""
    publication = get_object_or_404(Publication, slug=slug)
    theme = publication_theme(publication, "ltr")
    return render(request, "archive/colours.css.j2", {"theme": theme}, content_type="text/css")


@require_safe
@cache_control(public=True, max_age=3600)
def sitemap(request: HttpRequest) -> HttpResponse:
    """Return the site map: archives, and the latest issues."""
    return render_sitemap(request, SITEMAPS)


@require_safe
@cache_control(public=True, max_age=3600)
def robots(_request: HttpRequest) -> HttpResponse:
    """Tell search engines where the site map is; what they must not index says so itself."""
    lines = ("User-agent: *", "Disallow: /admin/", f"Sitemap: {absolute('/sitemap.xml')}", "")
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


def _newsletter(slug: str) -> Newsletter:
    newsletter = find_newsletter(slug)
    if newsletter is None:
        raise Http404
    return newsletter


def _issue_page(newsletter: Newsletter, render_html: Callable[[], str]) -> HttpResponse:
    with languages.override(newsletter.language or newsletter.publication.language):
        response = HttpResponse(render_html())
    response.headers["Content-Security-Policy"] = ISSUE_POLICY
    return response
