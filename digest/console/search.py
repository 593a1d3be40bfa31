"""Search everywhere: pages, issues, articles, newsletters and all else that has a page.

Ctrl K opens unfold's palette, which asks this view while somebody types; without JavaScript it is
a page of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from digest.articles.search import search_articles
from digest.console import navigation
from digest.console.access import scope_of
from digest.console.pages import page_view, render_fragment, render_page
from digest.console.tables import search_in
from digest.core import clock
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.newsletters.models import Appeal
from digest.tenancy.scope import PublicationScope

SHORTEST = 2  # characters
LONGEST = 200
MOST = 5  # results of each kind


@dataclass(frozen=True, slots=True)
class Result:
    """Something with a page in the console."""

    title: str
    kind: str
    icon: str
    url: str


@page_view(Right.SEE)
def search(request: HttpRequest) -> HttpResponse:
    """Show what matches `s`: for the palette (`extended`), or as a page."""
    query = request.GET.get("s", "").strip()[:LONGEST]
    is_short = len(query) < SHORTEST
    context = {
        "query": query,
        "results": [] if is_short else list(_results(request, query)),
        "nothing": f"Type at least {SHORTEST} characters." if is_short else "Nothing matches.",
    }
    if "extended" in request.GET:
        return render_fragment(request, "unfold/helpers/command_results.html", context)
    return render_page(request, "console/search.html", "Search", context)


def _results(request: HttpRequest, query: str) -> Iterator[Result]:
    """Yield results by kind, rare kinds first, each only within the user's scope."""
    scope = scope_of(request, Right.SEE)
    for page in navigation.pages_of(request):
        if query.casefold() in page.title.casefold():
            yield Result(page.title, "Page", page.icon, reverse(page.url_name))
    for row in _first(scope.newsletters().order_by("name"), query, "name", "slug"):
        yield Result(row.name, "Newsletter", "newspaper", reverse("newsletter", args=[row.pk]))
    for row in _first(scope.publications().order_by("name"), query, "name", "url"):
        yield Result(row.name, "Publication", "storefront", reverse("publication", args=[row.pk]))
    yield from _subscribers(scope_of(request, Right.SUBSCRIBERS), query)
    regular = scope.issues().filter(Issue.REGULAR)
    for row in _first(regular.order_by("-slot", "-pk"), query, "subject"):
        kind = f"Issue of {row.newsletter.name}, {_day_of(row)}"
        yield Result(row.subject, kind, "mail", reverse("issue:detail", args=[row.pk]))
    appeals = scope.filter(Appeal.objects.order_by("-pk"))
    for row in _first(appeals, query, "name", "heading"):
        url = reverse("appeal", args=[row.pk])
        yield Result(str(row), row.get_kind_display(), "volunteer_activism", url)
    for row in _first(scope.sources().order_by("title", "pk"), query, "title", "url"):
        yield Result(row.title or row.url, "Source", "rss_feed", reverse("source", args=[row.pk]))
    for row in search_articles(scope.offered_articles(), query)[:MOST]:
        yield Result(row.title or row.url, "Article", "article", reverse("article", args=[row.pk]))


def _day_of(issue: Issue) -> str:
    """Return the day on which an issue goes out, in the zone of its publication."""
    zone = clock.zone(issue.newsletter.publication.timezone)
    return f"{issue.goes_at.astimezone(zone):%-d %b %Y}"


def _first(rows: QuerySet[Any], query: str, *fields: str) -> QuerySet[Any]:
    return search_in(*fields)(rows, query)[:MOST]


def _subscribers(scope: PublicationScope, query: str) -> Iterator[Result]:
    if scope.is_empty:
        return
    rows = scope.subscribers().filter(address_key__startswith=query.lower())
    for row in rows.order_by("address_key")[:MOST]:
        url = reverse("subscriber", args=[row.pk])
        yield Result(row.email, "Subscriber", "contact_mail", url)
