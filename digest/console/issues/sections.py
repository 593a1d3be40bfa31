"""What each part of an issue's page shows. The template has one partial for each of these."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from digest.articles.models import Article
from digest.articles.search import search_articles
from digest.console import live_progress
from digest.console.access import scope_of
from digest.console.issues import experiments, header
from digest.console.issues.refused import NOTHING, RefusedForm
from digest.core.errors import DigestError
from digest.issues.models import Issue, Story
from digest.newsletters.members import Right
from digest.newsletters.publicity.archive_access import ArchiveAccess
from digest.rendering.issue import LARGEST_HTML
from digest.sending.compiling import compiled_for

SEARCH_RESULTS = 20
LEFT_OUT = 50
CLIP = 102_000  # octets of HTML at which Gmail clips a message


@dataclass(frozen=True, slots=True)
class Stories:
    """The stories, and those that could be added."""

    rows: list[Story]
    left_out: list[dict[str, Any]]
    query: str
    results: list[Article]


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail as it would be made now, or the problem that prevents it."""

    problem: str = ""
    subject: str = ""
    preheader: str = ""
    size: int = 0  # octets of HTML
    share: int = 0  # per cent of what Gmail shows
    is_large: bool = False
    dropped: tuple[int, ...] = ()  # positions of the stories that do not fit


def page(
    request: HttpRequest, issue: Issue, now: datetime, form: RefusedForm = NOTHING
) -> dict[str, Any]:
    """Return the context of `console/issues/issue.html`, with a form that was refused."""
    allowed = header.rights(request, issue)
    progress = live_progress.progress_of(issue)
    overview = header.overview(issue, progress["eligible"], now)
    editable = overview.is_open and allowed.edit
    mail = _mail(issue)
    return {
        "issue": issue,
        "rights": allowed,
        "archive_choices": ArchiveAccess.choices,
        "editable": editable,
        "overview": overview,
        "step": header.step_of(issue),
        "buttons": header.buttons(request, issue, allowed, now),
        "progress": progress,
        "stories": _stories(request, issue, searching=editable),
        "mail": mail,
        "experiment": experiments.card(issue, mail.subject or issue.subject, form),
        "refused": form,
    }


def search(request: HttpRequest, issue: Issue) -> Stories:
    """Return the stories that a search finds, for `console/issues/_results.html`."""
    return _stories(request, issue, searching=True)


def _stories(request: HttpRequest, issue: Issue, *, searching: bool) -> Stories:
    rows = list(issue.stories.select_related("article", "block").order_by("position"))
    query = request.GET.get("q", "").strip()
    results = _search(request, issue, rows, query) if searching and query else []
    return Stories(rows, issue.left_out[:LEFT_OUT], query, results)


def _search(request: HttpRequest, issue: Issue, stories: list[Story], query: str) -> list[Article]:
    """Return articles by words of their headline, or by address; the newest first."""
    article_ids = [story.article_id for story in stories if story.article_id]
    articles = (
        scope_of(request, Right.EDIT)
        .offered_articles()
        .filter(publication_id=issue.newsletter.publication_id, retracted_at=None)
    )
    return list(search_articles(articles.exclude(pk__in=article_ids), query)[:SEARCH_RESULTS])


def _mail(issue: Issue) -> Mail:
    try:
        compiled = compiled_for(issue)
    except DigestError as problem:
        return Mail(problem=str(problem))
    size = len(compiled.html().encode())
    return Mail(
        subject=compiled.subject,
        preheader=compiled.preheader,
        size=size,
        share=min(100, size * 100 // CLIP),
        is_large=size > LARGEST_HTML * 9 // 10,
        dropped=tuple(compiled.dropped),
    )
