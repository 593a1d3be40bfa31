"""Articles: push, correct, retract, restore, mark as updated."""

from datetime import datetime
from typing import Annotated, Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.analytics import popularity
from digest.api.authentication import Caller, caller_of
from digest.api.idempotency import idempotent
from digest.api.lookup import NewsletterQuery, find_newsletter, get_publication
from digest.api.paging import Page, paginate
from digest.api.resources.issue_schemas import RetractionIn
from digest.api.routing import Operations
from digest.api.schemas import Id, Line, Markup, Moment, Payload, Slug, Text, Url
from digest.articles import pushing, site_views, storing
from digest.articles.models import Article, Sighting
from digest.articles.parsing.base import Entry, Image
from digest.articles.pushing import PushResult
from digest.core import clock
from digest.issues import retracting

router = Operations(tags=["articles"])

Tags = Annotated[list[Annotated[Line, Field(max_length=200)]], Field(max_length=50)]


ViewCount = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]
ReadingSeconds = Annotated[float, Field(ge=0, le=86_400)]


class ArticleIn(Payload):
    """An article from the publisher's system. The same guid or url is the same article."""

    publication: Slug
    url: Url
    guid: Annotated[Line, Field(description="The url is used if it is empty.")] = ""
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


class ArticlePatch(Payload):
    """Changes to an article. Absent fields stay as they are; its url cannot change."""

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


class ArticleQuery(NewsletterQuery):
    """Which articles."""

    url: Url | None = Field(None, description="The exact address of the article, as it is stored.")


class ArticleOut(BaseModel):
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
    available_at: datetime = Field(description="When issues may begin to include it.")
    marked_updated_at: datetime | None
    retracted_at: datetime | None
    image_url: str
    revision: int


class PushResultOut(BaseModel):
    """An article, and what the push or correction did."""

    article: ArticleOut
    outcome: str = Field(description="`new`, `changed` or `unchanged`.")
    newsletters: list[str] = Field(description="The newsletters that use its source.")


class ViewsIn(Payload):
    """Page views of articles, as the publication's own statistics count them."""

    publication: Slug
    views: dict[Url, ViewCount] = Field(
        max_length=1000,
        description="By address, all of one period: the last 24 hours, for example.",
    )
    reading_seconds: dict[Url, ReadingSeconds] = Field(
        {},
        max_length=1000,
        description="How long a visit to an address lasts on average, for the block “Deeply read”.",
    )


class ViewsOut(BaseModel):
    """What was stored."""

    updated: int
    unknown: list[str] = Field(description="Addresses that no article of the publication has.")


@router.read("/articles", Scope.ARTICLES_READ, returns=Page[ArticleOut])
def list_articles(request: HttpRequest, query: Query[ArticleQuery]) -> Any:
    """List articles, the newest first."""
    caller = caller_of(request)
    articles = caller.scope.articles().defer("body_html")
    if newsletter := find_newsletter(caller, query.newsletter):
        sightings = Sighting.objects.filter(article=OuterRef("pk"), source__newsletters=newsletter)
        articles = articles.filter(Exists(sightings))
    if query.url:
        articles = articles.filter(url=query.url)
    return paginate(articles, query, "articles", _serialize, newest_first=True)


@router.create("/articles", Scope.ARTICLES_WRITE, returns=PushResultOut, also={200: PushResultOut})
@idempotent
def push_article(request: HttpRequest, payload: ArticleIn) -> Any:
    """Push an article: 201 if it is new, 200 if it exists."""
    caller, now = caller_of(request), clock.now()
    publication = get_publication(caller, payload.publication)
    source = pushing.source_of(publication.pk, publication.slug, now)
    pushed = pushing.push(source, _entry(payload), now)
    return Status(201 if pushed.outcome == "new" else 200, _pushed(pushed, caller))


@router.run("/articles/views", Scope.ARTICLES_WRITE, returns=ViewsOut)
def record_article_views(request: HttpRequest, payload: ViewsIn) -> Any:
    """Say how often articles were read, for the block “Popular articles”."""
    publication = get_publication(caller_of(request), payload.publication)
    unknown = site_views.record_views(
        publication.pk, payload.views, clock.now(), payload.reading_seconds
    )
    popularity.refresh(publication, clock.now())
    return {"updated": len(payload.views) - len(unknown), "unknown": unknown}


@router.read("/articles/{article_id}", Scope.ARTICLES_READ, returns=ArticleOut)
def show_article(request: HttpRequest, article_id: Id) -> Any:
    """Show an article."""
    return _serialize(get_object_or_404(caller_of(request).scope.articles(), pk=article_id))


@router.change("/articles/{article_id}", Scope.ARTICLES_WRITE, returns=PushResultOut)
def correct_article(request: HttpRequest, article_id: Id, payload: ArticlePatch) -> Any:
    """Correct an article that was pushed. An article from a feed is corrected there (409)."""
    caller = caller_of(request)
    article = _get_article(caller, article_id)
    changes = {name: value for name, value in payload.model_dump().items() if value is not None}
    if "tags" in changes:
        changes["tags"] = tuple(changes["tags"])
    return _pushed(pushing.correct(article, changes, clock.now()), caller)


@router.run("/articles/{article_id}/retract", Scope.ARTICLES_WRITE, returns=ArticleOut)
def retract_article(request: HttpRequest, article_id: Id, payload: RetractionIn) -> Any:
    """Retract an article: from drafts, from mails not yet sent, and from future issues."""
    caller = caller_of(request)
    article = _get_article(caller, article_id)
    retracting.withdraw(article, payload.note, caller.token.owner, clock.now())
    article.refresh_from_db()
    return _serialize(article)


@router.run("/articles/{article_id}/restore", Scope.ARTICLES_WRITE, returns=ArticleOut)
def restore_article(request: HttpRequest, article_id: Id) -> Any:
    """Take a retraction back: future issues can contain the article. Past ones do not change."""
    article = _get_article(caller_of(request), article_id)
    storing.restore(article)
    return _serialize(article)


@router.run("/articles/{article_id}/mark-updated", Scope.ARTICLES_WRITE, returns=ArticleOut)
def mark_article_updated(request: HttpRequest, article_id: Id) -> Any:
    """Mark an article as updated: issues may include it again, for every subscriber."""
    article = _get_article(caller_of(request), article_id)
    storing.mark_updated(article, clock.now())
    return _serialize(article)


def _get_article(caller: Caller, article_id: int) -> Article:
    """Return an article of the caller's publications."""
    return get_object_or_404(caller.scope.articles(), pk=article_id)


def _entry(payload: ArticleIn) -> Entry:
    values = payload.model_dump(exclude={"publication"})
    image = Image(*(values.pop(name) or "" for name in pushing.IMAGE))
    return Entry(**values | {"tags": tuple(values["tags"])}, image=image)


def _pushed(pushed: PushResult, caller: Caller) -> dict[str, Any]:
    newsletters = caller.scope.newsletters().filter(sources__articles=pushed.article).distinct()
    return {
        "article": _serialize(pushed.article),
        "outcome": pushed.outcome,
        "newsletters": list(newsletters.order_by("slug").values_list("slug", flat=True)),
    }


def _serialize(article: Article) -> dict[str, Any]:
    return {name: getattr(article, name) for name in ArticleOut.model_fields}
