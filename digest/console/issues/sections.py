"""What each part of an issue's page shows. The template has one partial for each of these."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from digest.articles.models import Article
from digest.articles.search import search_articles
from digest.console import live_progress
from digest.console.access import has_right, scope_of, user_of
from digest.core import clock
from digest.core.errors import DigestError
from digest.issues import approval
from digest.issues.changing import OPEN
from digest.issues.models import Issue, Story
from digest.newsletters.members import Right
from digest.rendering.issue import LARGEST_HTML
from digest.sending.compiling import compiled_for
from digest.sending.segmentation import segmentation_of
from digest.subscribers import audience
from digest.subscribers.models import Subscription

SEARCH_RESULTS = 20
LEFT_OUT = 50
FEW = 10_000  # subscribers that are counted while the page is made
CLIP = 102_000  # octets of HTML at which Gmail clips a message

State = Issue.State


@dataclass(frozen=True, slots=True)
class Rights:
    """What the user may do with the issue."""

    edit: bool
    send: bool
    subscribers: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """The top of the page: when the issue goes out, and to how many."""

    is_open: bool  # it can still be changed
    waits: bool  # it goes out when somebody sends it
    goes_at: str  # in the publication's zone
    goes_in: str
    recipients: int | None  # None: too many to count while the page is made


@dataclass(frozen=True, slots=True)
class Buttons:
    """What can be done to the whole issue now."""

    undo_seconds: int  # in which "send" can be undone; 0: nothing to undo
    approve: bool
    needs_another: bool  # somebody else has to approve it
    send: bool
    skip: bool
    pause: bool
    resume: bool
    cancel: bool
    default_time: str  # for `datetime-local`, in `zone`
    zone: str


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


def page(request: HttpRequest, issue: Issue, now: datetime) -> dict[str, Any]:
    """Return the context of `console/issues/issue.html`."""
    allowed = rights(request, issue)
    progress = live_progress.progress_of(issue)
    overview = _overview(issue, progress["eligible"], now)
    editable = overview.is_open and allowed.edit
    return {
        "issue": issue,
        "rights": allowed,
        "editable": editable,
        "overview": overview,
        "buttons": _buttons(request, issue, allowed, now),
        "progress": progress,
        "stories": _stories(request, issue, searching=editable),
        "mail": _mail(issue),
    }


def search(request: HttpRequest, issue: Issue) -> Stories:
    """Return the stories that a search finds, for `console/issues/_results.html`."""
    return _stories(request, issue, searching=True)


def rights(request: HttpRequest, issue: Issue) -> Rights:
    """Return what the user may do with the issue."""
    publication_id = issue.newsletter.publication_id
    edit, send, subscribers = (
        has_right(request, right, publication_id)
        for right in (Right.EDIT, Right.SEND, Right.SUBSCRIBERS)
    )
    return Rights(edit, send, subscribers)


def recipients(issue: Issue, now: datetime) -> QuerySet[Subscription]:
    """Return whom an issue would go to now; nobody while it cannot be rendered."""
    try:
        segmentation = segmentation_of(issue, compiled_for(issue))
    except DigestError:
        return Subscription.objects.none()
    return audience.eligible(issue.newsletter_id, now, segmentation.audience)


def is_open(issue: Issue) -> bool:
    """Say whether the issue can still be changed."""
    return issue.state in OPEN and issue.planned_at is None


def _overview(issue: Issue, planned: int, now: datetime) -> Overview:
    zone = clock.zone(issue.newsletter.publication.timezone)
    still_open = is_open(issue)
    return Overview(
        is_open=still_open,
        waits=issue.state == State.DRAFT and issue.kind == Issue.Kind.MANUAL,
        goes_at=clock.format_moment(issue.goes_at, zone),
        goes_in=clock.in_words(issue.goes_at - now),
        recipients=_few_recipients(issue, now) if still_open else planned,
    )


def _few_recipients(issue: Issue, now: datetime) -> int | None:
    number = recipients(issue, now)[: FEW + 1].count()
    return number if number <= FEW else None


def _buttons(request: HttpRequest, issue: Issue, allowed: Rights, now: datetime) -> Buttons:
    zone = clock.zone(issue.newsletter.publication.timezone)
    still_open = is_open(issue)
    unapproved = still_open and approval.is_needed(issue)
    needs_another = unapproved and allowed.edit and approval.needs_another(issue, user_of(request))
    undo_seconds = _undo_seconds(issue, now)
    leaving = bool(issue.send_at and issue.send_at <= now)
    in_progress = issue.state in (State.SENDING, State.PAUSED)
    return Buttons(
        undo_seconds=undo_seconds,
        approve=unapproved and allowed.edit and not needs_another,
        needs_another=needs_another,
        send=still_open and allowed.send and not (unapproved or leaving or undo_seconds),
        skip=still_open and allowed.edit,
        pause=issue.state == State.SENDING and allowed.edit,
        resume=issue.state == State.PAUSED and allowed.send,
        cancel=in_progress and allowed.edit,
        default_time=(now + timedelta(hours=1)).astimezone(zone).strftime("%Y-%m-%dT%H:00"),
        zone=zone.key,
    )


def _undo_seconds(issue: Issue, now: datetime) -> int:
    if not is_open(issue) or not issue.send_at:
        return 0
    return max(0, int((issue.send_at - now).total_seconds()))


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
        .articles()
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
