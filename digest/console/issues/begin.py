"""An issue outside the schedule: of what is new now, or of chosen stories; for all or for some."""

from uuid import uuid4

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from digest.articles.models import Article
from digest.console.access import as_id, needs, note, reach, who
from digest.core import clock
from digest.core.errors import DigestError
from digest.issues import dispatching
from digest.issues.editing import MOST_STORIES
from digest.issues.errors import IssueError
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter, Section
from digest.subscribers.audience import Audience, eligible
from digest.tenancy import belonging

SHOWN = 30  # articles, besides those that are ticked
FEW = 10_000  # subscribers that are counted


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Right.EDIT)
def begin(request: HttpRequest, newsletter: int) -> HttpResponse:
    """Ask what is to be in it and for whom; then lay it on the desk, once for each form shown."""
    known = belonging.newsletters(reach(request, Right.EDIT))
    found: Newsletter = get_object_or_404(known, pk=newsletter)
    if request.method == "POST":
        try:
            return _laid(request, found)
        except DigestError as problem:
            messages.error(request, str(problem))
    return render(request, "console/issues/begin.html", _context(request, found))


def _laid(request: HttpRequest, newsletter: Newsletter) -> HttpResponse:
    said, articles = request.POST, _ticked(request)
    if said.get("what") == "chosen" and not articles:
        raise IssueError("Tick the stories that it is to hold.")
    made = dispatching.start(
        newsletter,
        said.get("key", "")[:64] or uuid4().hex,
        who(request),
        clock.now(),
        articles=articles if said.get("what") == "chosen" else (),
        only_topics=said.getlist("topic"),
    )
    note(request, "laid an issue on the desk", made, newsletter.publication_id)
    return redirect("desk:issue", pk=made.pk)


def _context(request: HttpRequest, newsletter: Newsletter) -> dict[str, object]:
    said = request.POST if request.method == "POST" else request.GET
    query, ticked = said.get("q", "").strip(), _ticked(request)
    ours = belonging.articles(reach(request, Right.EDIT)).filter(retracted_at=None)
    rest = search(ours.exclude(pk__in=[one.pk for one in ticked]), query)
    titles = Section.objects.filter(newsletter=newsletter, kind=Section.Kind.TOPIC)
    topics = list(titles.order_by("position").values_list("title", flat=True))
    return {
        **admin.site.each_context(request),
        "title": f"{newsletter.name}: an issue by hand",
        "newsletter": newsletter,
        "articles": [(one, one in ticked, clock.format_moment(one.available_at)) for one in ticked]
        + [(one, False, clock.format_moment(one.available_at)) for one in rest[:SHOWN]],
        "query": query,
        "topics": [
            (
                one,
                one in said.getlist("topic"),
                _how_many(newsletter, Audience(only=frozenset({one}))),
            )
            for one in topics
        ],
        "subscribers": _how_many(newsletter, Audience()),
        "key": said.get("key", "")[:64] or uuid4().hex,
    }


def search(known: QuerySet[Article], query: str) -> QuerySet[Article]:
    """Return articles by words of their headline, or by address; the newest first."""
    known = known.order_by("-available_at", "-pk").defer("body_html")
    if query.startswith(("http://", "https://")):
        return known.filter(url__startswith=query)
    for word in query.split()[:8]:
        known = known.filter(title__icontains=word)
    return known


def _ticked(request: HttpRequest) -> list[Article]:
    """Return the articles that were ticked, in the order of the form."""
    said = request.POST if request.method == "POST" else request.GET
    ids = [one for one in map(as_id, said.getlist("article")) if one is not None]
    ours = belonging.articles(reach(request, Right.EDIT))
    there = ours.in_bulk(ids[: MOST_STORIES + 1])
    return [there[pk] for pk in dict.fromkeys(ids) if pk in there]


def _how_many(newsletter: Newsletter, audience: Audience) -> str:
    """Say how many subscribers may be mailed now; beyond some thousands that is enough to know."""
    number = eligible(newsletter.pk, clock.now(), audience)[: FEW + 1].count()
    return f"{number:,}" if number <= FEW else f"more than {FEW:,}"
