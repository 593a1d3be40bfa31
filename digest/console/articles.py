"""An article as it came in: who carries it, which issues had it; taken back, or sent once more."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from digest.articles.models import Article
from digest.articles.plain_text import web_url
from digest.articles.storing import mark_updated
from digest.console.access import record_action, right_required, scope_of, user_of
from digest.core import clock
from digest.core.errors import DigestError
from digest.issues import editing
from digest.issues.models import Issue
from digest.newsletters import setup
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.tenancy.scope import PublicationScope

ISSUES = 30  # that had it


@require_safe
@right_required(Right.SEE)
def article(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an article."""
    seen, edits = scope_of(request, Right.SEE), scope_of(request, Right.EDIT)
    found = get_object_or_404(seen.articles().defer("body_html"), pk=pk)
    issues = seen.issues().filter(stories__article=found).order_by("-slot")
    theirs = edits.articles().filter(pk=pk).exists()
    context = {
        **admin.site.each_context(request),
        "title": "Article",
        "article": found,
        "address": web_url(found.url),
        "times": _times(found),
        "sources": seen.sources().filter(articles=found).order_by("pk"),
        "issues": [(one, _at(one)) for one in issues.distinct()[:ISSUES]],
        "picking": _carriers(edits, found) if theirs else (),
        "can_edit": theirs and edits.owns(found),
        "shared": theirs and not edits.owns(found),
    }
    return render(request, "console/article.html", context)


@require_POST
@right_required(Right.EDIT)
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Do what a button says, and come back to the article."""
    scope = scope_of(request, Right.EDIT)
    found = get_object_or_404(scope.articles(), pk=pk)
    doing = _VERBS.get(verb)
    if doing is None:
        raise Http404
    try:
        said = doing(request, found)
    except DigestError as problem:
        messages.error(request, str(problem))
    else:
        record_action(request, f"{verb}: {said}", found.title or found.url)
        messages.success(request, said)
    return redirect("article", pk=pk)


def _withdraw(request: HttpRequest, found: Article) -> str:
    _must_own(request, found)
    word = request.POST.get("note", "").strip()[:300]
    touched = editing.withdraw(found, word, user_of(request), clock.now())
    return f"Taken back; {len(touched)} issue{'' if len(touched) == 1 else 's'} had it to come."


def _again(request: HttpRequest, found: Article) -> str:
    _must_own(request, found)
    mark_updated(found, clock.now())
    return "It may go out once more, even to those who had it before."


def _pick(request: HttpRequest, found: Article) -> str:
    known = _carriers(scope_of(request, Right.EDIT), found)
    newsletter = known.filter(slug=request.POST.get("newsletter", "")).first()
    if newsletter is None:
        raise Http404
    setup.pick(newsletter, found, clock.now())
    return f"It leads the next issue of {newsletter.name}."


_VERBS: dict[str, Callable[[HttpRequest, Article], str]] = {
    "withdraw": _withdraw,
    "again": _again,
    "pick": _pick,
}


def _carriers(scope: PublicationScope, found: Article) -> QuerySet[Newsletter]:
    carrying = scope.newsletters().filter(sources__articles=found)
    return carrying.distinct().order_by("name")


def _must_own(request: HttpRequest, found: Article) -> None:
    if not scope_of(request, Right.EDIT).owns(found):
        raise DigestError("Another publication carries this article too: it takes an owner of all.")


def _times(found: Article) -> list[tuple[str, str]]:
    """Return what happened to it and when, in UTC."""
    moments = (
        ("Published", found.published_at),
        ("Changed by its source", found.updated_at),
        ("First seen", found.first_seen_at),
        ("May be picked from", found.available_at),
        ("Marked to go out once more", found.marked_updated_at),
        ("Taken back", found.retracted_at),
    )
    return [(name, clock.format_moment(at)) for name, at in moments if at]


def _at(issue: Issue) -> str:
    return clock.format_moment(issue.goes_at, clock.zone(issue.newsletter.publication.timezone))
