"""Articles: push one, correct it, retract it, let it go out once more."""

from datetime import datetime
from typing import Annotated, Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of, needs
from digest.api.idempotency import doing_once
from digest.api.lookup import find_newsletter
from digest.api.paging import Asked, Page, page
from digest.api.problems import STATUSES, ProblemError
from digest.api.schemas import Id, Line, Markup, Moment, Slug, Text, Told, Url
from digest.articles import pushing, storing
from digest.articles.models import Article, Sighting
from digest.articles.parsing.base import Entry, Image
from digest.articles.pushing import Pushed
from digest.core import clock
from digest.issues import editing

router = Router(tags=["articles"])

Tags = Annotated[list[Annotated[Line, Field(max_length=200)]], Field(max_length=50)]


class ArticlePush(Told):
    """An article as the publisher's system has it. The same guid, or url, is the same article."""

    publication: Slug
    url: Url
    guid: Annotated[Line, Field(description="the url if empty")] = ""
    title: Annotated[Line, Field(min_length=1, max_length=1000)]
    summary: Text = ""
    body_html: Markup = ""
    byline: Line = ""
    section: Annotated[Line, Field(max_length=200)] = ""
    tags: Tags = []
    language: Annotated[Line, Field(max_length=35)] = ""
    published_at: Moment | None = None
    updated_at: Moment | None = None
    image_url: Url | None = None
    image_alt: Text = ""
    image_caption: Text = ""
    image_credit: Line = ""


class ArticleChange(Told):
    """What is to be otherwise; what is absent stays. An address is for life."""

    title: Annotated[Line, Field(min_length=1, max_length=1000)] | None = None
    summary: Text | None = None
    body_html: Markup | None = None
    byline: Line | None = None
    section: Annotated[Line, Field(max_length=200)] | None = None
    tags: Tags | None = None
    language: Annotated[Line, Field(max_length=35)] | None = None
    published_at: Moment | None = None
    updated_at: Moment | None = None
    image_url: Url | None = None
    image_alt: Text | None = None
    image_caption: Text | None = None
    image_credit: Line | None = None


class ArticleAsked(Asked):
    """Which articles."""

    newsletter: Slug | None = None
    url: Url | None = Field(None, description="as it is stored")


class ArticleFacts(BaseModel):
    """An article."""

    id: int
    url: str
    title: str
    summary: str
    byline: str
    section: str
    tags: list[str]
    language: str
    published_at: datetime | None
    updated_at: datetime | None
    available_at: datetime = Field(description="from when on an issue may have it")
    marked_updated_at: datetime | None
    retracted_at: datetime | None
    image_url: str
    revision: int


class PushedFacts(BaseModel):
    """An article, and what a push made of it."""

    article: ArticleFacts
    outcome: str = Field(description="new, changed or unchanged")
    newsletters: list[str] = Field(description="those that pick from where it came in")


class NoteTold(Told):
    """What archives say instead of the story."""

    note: Line = ""


@router.get(
    "/articles", auth=needs(Scope.ARTICLES_READ), response={200: Page[ArticleFacts], **STATUSES}
)
def list_articles(request: HttpRequest, asked: Query[ArticleAsked]) -> Any:
    """List articles, the last one that became known first."""
    caller = caller_of(request)
    known = caller.scope.articles().defer("body_html")
    if newsletter := find_newsletter(caller, asked.newsletter):
        seen = Sighting.objects.filter(article=OuterRef("pk"), source__newsletters=newsletter)
        known = known.filter(Exists(seen))
    if asked.url:
        known = known.filter(url=asked.url)
    return page(known, asked, "articles", _facts, newest=True)


@router.post(
    "/articles",
    auth=needs(Scope.ARTICLES_WRITE),
    response={200: PushedFacts, 201: PushedFacts, **STATUSES},
)
@doing_once
def push_article(request: HttpRequest, told: ArticlePush) -> Any:
    """Push an article: 201 for a new one, 200 for one that was known."""
    caller, now = caller_of(request), clock.now()
    publication = get_object_or_404(caller.scope.publications(), slug=told.publication)
    pushed = pushing.push(pushing.source_of(publication.slug, now), _entry(told), now)
    return Status(201 if pushed.outcome == "new" else 200, _pushed(pushed, caller))


@router.get(
    "/articles/{number}",
    auth=needs(Scope.ARTICLES_READ),
    response={200: ArticleFacts, **STATUSES},
)
def show_article(request: HttpRequest, number: Id) -> Any:
    """Show an article."""
    return _facts(get_object_or_404(caller_of(request).scope.articles(), pk=number))


@router.patch(
    "/articles/{number}",
    auth=needs(Scope.ARTICLES_WRITE),
    response={200: PushedFacts, **STATUSES},
)
def correct_article(request: HttpRequest, number: Id, told: ArticleChange) -> Any:
    """Correct an article that was pushed; one from a feed is corrected in its feed (409)."""
    caller = caller_of(request)
    article = _own(caller, number)
    changes = {name: value for name, value in told.model_dump().items() if value is not None}
    if "tags" in changes:
        changes["tags"] = tuple(changes["tags"])
    return _pushed(pushing.correct(article, changes, clock.now()), caller)


@router.post(
    "/articles/{number}/retract",
    auth=needs(Scope.ARTICLES_WRITE),
    response={200: ArticleFacts, **STATUSES},
)
def retract_article(request: HttpRequest, number: Id, told: NoteTold) -> Any:
    """Take an article back: out of issues on the desk, mails not yet sent, and all to come."""
    caller = caller_of(request)
    article = _own(caller, number)
    editing.withdraw(article, told.note, caller.token.owner, clock.now())
    article.refresh_from_db()
    return _facts(article)


@router.post(
    "/articles/{number}/mark-updated",
    auth=needs(Scope.ARTICLES_WRITE),
    response={200: ArticleFacts, **STATUSES},
)
def mark_article_updated(request: HttpRequest, number: Id) -> Any:
    """Let an article go out once more, even to those who had it before."""
    article = _own(caller_of(request), number)
    storing.mark_updated(article, clock.now())
    return _facts(article)


def _own(caller: Caller, number: int) -> Article:
    """Return an article that the caller may change: no other publication carries it."""
    article = get_object_or_404(caller.scope.articles(), pk=number)
    if not caller.scope.owns(article):
        raise ProblemError(403, "Another publication carries this article too.")
    return article


def _entry(told: ArticlePush) -> Entry:
    said = told.model_dump(exclude={"publication"})
    image = Image(*(said.pop(name) or "" for name in pushing.IMAGE))
    return Entry(**said | {"tags": tuple(said["tags"])}, image=image)


def _pushed(pushed: Pushed, caller: Caller) -> dict[str, Any]:
    carriers = caller.scope.newsletters().filter(sources__articles=pushed.article).distinct()
    return {
        "article": _facts(pushed.article),
        "outcome": pushed.outcome,
        "newsletters": list(carriers.order_by("slug").values_list("slug", flat=True)),
    }


def _facts(article: Article) -> dict[str, Any]:
    return {name: getattr(article, name) for name in ArticleFacts.model_fields}
