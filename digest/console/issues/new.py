"""A new issue outside the schedule, of the latest or of selected stories, for all or for some."""

from dataclasses import replace
from uuid import uuid4

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect

from digest.articles.models import Article
from digest.articles.search import search_articles
from digest.console.access import parse_id, record_action, scope_of, user_of
from digest.console.block_forms import read_segment, segments_for
from digest.console.pages import form_view, problems_on, render_page
from digest.core import clock
from digest.issues import creating
from digest.issues.editing import MOST_STORIES
from digest.issues.errors import IssueError
from digest.issues.models import Issue
from digest.newsletters.choices import BlockKind
from digest.newsletters.members import Right
from digest.newsletters.models import LayoutBlock, Newsletter
from digest.subscribers.audience import audience_of, eligible

OFFERED = 30  # articles, besides those that are selected
FEW = 10_000  # subscribers that are counted
KEY_LENGTH = 64


@form_view(Right.EDIT)
def new(request: HttpRequest, newsletter: int) -> HttpResponse:
    """Ask what the issue should contain and for whom; create it once for each form shown."""
    newsletters = scope_of(request, Right.EDIT).newsletters()
    row: Newsletter = get_object_or_404(newsletters, pk=newsletter)
    if request.method == "POST":
        with problems_on(request):
            issue = _create(request, row)
            record_action(request, "created an issue", issue, row.publication_id)
            return redirect("issue:detail", pk=issue.pk)
    title = f"New issue of {row.name}"
    return render_page(request, "console/issues/new.html", title, _context(request, row))


def _create(request: HttpRequest, newsletter: Newsletter) -> Issue:
    by_selection = request.POST.get("what") == "chosen"
    articles = _selected(request, newsletter) if by_selection else []
    if by_selection and not articles:
        raise IssueError("Select at least one story.")
    return creating.create_issue(
        newsletter,
        _key(request.POST),
        user_of(request),
        clock.now(),
        articles=articles,
        only_topics=request.POST.getlist("topic"),
        segment=read_segment(
            newsletter.publication_id,
            request.POST.get("segment", ""),
            scope_of(request, Right.EDIT),
        ),
    )


def _context(request: HttpRequest, newsletter: Newsletter) -> dict[str, object]:
    data = _data(request)
    query, selected = data.get("q", "").strip(), _selected(request, newsletter)
    articles = _articles(request, newsletter).filter(retracted_at=None)
    matches = search_articles(articles.exclude(pk__in=[article.pk for article in selected]), query)
    rows = [(article, True) for article in selected]
    rows += [(article, False) for article in matches[:OFFERED]]
    return {
        "newsletter": newsletter,
        "articles": [
            (article, checked, clock.format_moment(article.available_at))
            for article, checked in rows
        ],
        "query": query,
        "topics": _topics(newsletter, data.getlist("topic")),
        "segments": segments_for(newsletter.publication_id, scope_of(request, Right.EDIT)),
        "segment": parse_id(data.get("segment", "")),
        "subscribers": _count(newsletter),
        "key": _key(data),
    }


def _topics(newsletter: Newsletter, selected: list[str]) -> list[tuple[str, bool, str]]:
    """Return the newsletter's topics: title, whether it is selected, how many subscribers."""
    topics = LayoutBlock.objects.filter(newsletter=newsletter, kind=BlockKind.TOPIC)
    return [
        (title, title in selected, _count(newsletter, title))
        for title in topics.order_by("position").values_list("title", flat=True)
    ]


def _data(request: HttpRequest) -> QueryDict:
    return request.POST if request.method == "POST" else request.GET


def _key(data: QueryDict) -> str:
    """Return the form's idempotency key, or a new one."""
    return data.get("key", "")[:KEY_LENGTH] or uuid4().hex


def _articles(request: HttpRequest, newsletter: Newsletter) -> QuerySet[Article]:
    """Return the articles of the newsletter's publication."""
    articles = scope_of(request, Right.EDIT).offered_articles()
    return articles.filter(publication_id=newsletter.publication_id)


def _selected(request: HttpRequest, newsletter: Newsletter) -> list[Article]:
    """Return the articles that were selected, in the order of the form."""
    values = map(parse_id, _data(request).getlist("article"))
    ids = [article_id for article_id in values if article_id is not None]
    by_id = _articles(request, newsletter).in_bulk(ids[: MOST_STORIES + 1])
    return [by_id[article_id] for article_id in dict.fromkeys(ids) if article_id in by_id]


def _count(newsletter: Newsletter, *only_topics: str) -> str:
    """Say how many subscribers can be mailed now, exactly up to `FEW`."""
    now = clock.now()
    audience = replace(audience_of(newsletter, now), only_topics=frozenset(only_topics))
    number = eligible(newsletter.pk, now, audience)[: FEW + 1].count()
    return f"{number:,}" if number <= FEW else f"more than {FEW:,}"
