"""An article: its sources and issues, and its actions: send, feature, retract, and more."""

from collections.abc import Callable
from uuid import uuid4

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from digest.articles.models import Article
from digest.articles.storing import mark_updated, restore
from digest.console.access import record_action, scope_of, user_of
from digest.console.pages import action_view, page_view, problems_on, render_page
from digest.core import clock
from digest.core.text import counted, web_url
from digest.issues import creating, retracting
from digest.issues.models import Issue
from digest.newsletters import contributions, setup
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.tenancy.scope import PublicationScope

LISTED_ISSUES = 30
KEY_LENGTH = 64  # of a form's idempotency key


@page_view(Right.SEE)
def article(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an article."""
    visible, editable = scope_of(request, Right.SEE), scope_of(request, Right.EDIT)
    article = get_object_or_404(visible.offered_articles().defer("body_html"), pk=pk)
    issues = visible.issues().filter(stories__article=article).order_by("-slot")
    can_edit = editable.includes(article.publication_id)
    context = {
        "article": article,
        "address": web_url(article.url),
        "times": _times(article),
        "sources": visible.sources().filter(articles=article).order_by("pk"),
        "issues": [(issue, _sent_at(issue)) for issue in issues.distinct()[:LISTED_ISSUES]],
        "newsletters": _newsletters_with(editable, article) if can_edit else (),
        "sendable": _newsletters_of(editable, article) if can_edit else (),
        "has_text": Article.objects.filter(pk=pk).exclude(body_html="").exists(),
        "key": uuid4().hex,
        "can_edit": can_edit,
    }
    return render_page(request, "console/article.html", "Article", context)


@action_view(Right.EDIT)
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Run the action of a button, and return to the article."""
    article = get_object_or_404(scope_of(request, Right.EDIT).articles(), pk=pk)
    action = _ACTIONS.get(verb)
    if action is None:
        raise Http404
    with problems_on(request):
        result = action(request, article)
        target = article.title or article.url
        record_action(request, f"{verb}: {result}", target, article.publication_id)
        messages.success(request, result)
    return redirect("article", pk=pk)


@action_view(Right.EDIT)
def send(request: HttpRequest, pk: int) -> HttpResponse:
    """Create a draft of this article alone, once for each form shown, and open it."""
    scope = scope_of(request, Right.EDIT)
    article = get_object_or_404(scope.articles(), pk=pk)
    newsletters = _newsletters_of(scope, article)
    newsletter = get_object_or_404(newsletters, slug=request.POST.get("newsletter", ""))
    with problems_on(request):
        issue = creating.create_issue(
            newsletter,
            request.POST.get("key", "")[:KEY_LENGTH] or uuid4().hex,
            user_of(request),
            clock.now(),
            articles=[article],
            whole=request.POST.get("content") == "whole",
        )
        record_action(request, "created an issue", issue, newsletter.publication_id)
        return redirect("issue:detail", pk=issue.pk)
    return redirect("article", pk=pk)


def _retract(request: HttpRequest, article: Article) -> str:
    note = request.POST.get("note", "").strip()[:300]
    issues = retracting.withdraw(article, note, user_of(request), clock.now())
    return f"Retracted, and removed from {counted(len(issues), 'upcoming issue')}."


def _restore(_request: HttpRequest, article: Article) -> str:
    restore(article)
    return "Future issues can contain it again. Past ones do not change."


def _allow_resending(_request: HttpRequest, article: Article) -> str:
    mark_updated(article, clock.now())
    return "The next issue can contain it, even for subscribers who already received it."


def _feature(request: HttpRequest, article: Article) -> str:
    newsletters = _newsletters_with(scope_of(request, Right.EDIT), article)
    newsletter = newsletters.filter(slug=request.POST.get("newsletter", "")).first()
    if newsletter is None:
        raise Http404
    with contributions.noted(user_of(request), newsletter):
        setup.pick(newsletter, article, clock.now())
    return f"Featured in the next issue of {newsletter.name}."


_ACTIONS: dict[str, Callable[[HttpRequest, Article], str]] = {
    "retract": _retract,
    "restore": _restore,
    "allow-resending": _allow_resending,
    "feature": _feature,
}


def _newsletters_with(scope: PublicationScope, article: Article) -> QuerySet[Newsletter]:
    newsletters = scope.newsletters().filter(sources__articles=article)
    return newsletters.distinct().order_by("name")


def _newsletters_of(scope: PublicationScope, article: Article) -> QuerySet[Newsletter]:
    """Return the newsletters of the article's publication, whether they use its source or not."""
    return scope.newsletters().filter(publication_id=article.publication_id).order_by("name")


def _times(article: Article) -> list[tuple[str, str]]:
    """Return what happened to an article and when, in UTC."""
    dates = (
        ("Published", article.published_at),
        ("Updated", article.updated_at),
        ("First seen", article.first_seen_at),
        ("Available from", article.available_at),
        ("Resending allowed", article.marked_updated_at),
        ("Retracted", article.retracted_at),
    )
    return [(name, clock.format_moment(at)) for name, at in dates if at]


def _sent_at(issue: Issue) -> str:
    return clock.format_moment(issue.goes_at, clock.zone(issue.newsletter.publication.timezone))
