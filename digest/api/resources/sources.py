"""Sources: find the feed at an address, list, poll, remove."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from pydantic import BaseModel, Field, StringConstraints

from digest.accounts.scopes import Scope
from digest.api.authentication import caller_of, needs
from digest.api.idempotency import doing_once
from digest.api.lookup import find_newsletter, get_newsletter
from digest.api.paging import Asked, Page, page
from digest.api.problems import STATUSES, ProblemError
from digest.api.schemas import Id, Slug, Switch, Told
from digest.articles import polling, pushing
from digest.articles.discovery import add_source
from digest.articles.models import Source
from digest.articles.polling import Polled
from digest.core import clock
from digest.newsletters import sourcing
from digest.newsletters.models import Newsletter

router = Router(tags=["sources"])

Typed = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x20\x7f]+$", min_length=1, max_length=2000)
]


class SourceNew(Told):
    """Where articles are to come from: an address, or what this API pushes."""

    newsletter: Slug
    url: Typed | None = Field(None, description="of a feed, a site, or an article")
    pushed: Annotated[Switch, Field(description="what is pushed for its publication")] = False


class SourceAsked(Asked):
    """Which sources."""

    newsletter: Slug | None = None


class SourceFacts(BaseModel):
    """A source, and how it is doing."""

    id: int
    url: str
    title: str
    kind: str
    newsletters: list[str]
    succeeded_at: datetime | None
    next_poll_at: datetime | None
    failures: int
    problem: str


class PolledFacts(BaseModel):
    """What a poll brought."""

    source: SourceFacts
    new: int
    changed: int
    unchanged: int
    problem: str


@router.get(
    "/sources", auth=needs(Scope.SOURCES_READ), response={200: Page[SourceFacts], **STATUSES}
)
def list_sources(request: HttpRequest, asked: Query[SourceAsked]) -> Any:
    """List sources."""
    caller = caller_of(request)
    known = caller.scope.sources()
    if newsletter := find_newsletter(caller, asked.newsletter):
        known = known.filter(newsletters=newsletter)
    return page(known, asked, "sources", lambda one: _facts(one, caller.publication_id))


@router.post("/sources", auth=needs(Scope.SOURCES_WRITE), response={201: PolledFacts, **STATUSES})
@doing_once
def create_source(request: HttpRequest, told: SourceNew) -> Any:
    """Find the feed at an address, poll it, and let a newsletter carry it."""
    caller, now = caller_of(request), clock.now()
    newsletter = get_newsletter(caller, told.newsletter)
    if told.pushed is (told.url is not None):
        raise ProblemError(422, "Say either url, or pushed: true.")
    source, polled = _found(newsletter, told.url, now)
    newsletter.sources.add(source)
    return Status(201, _polled(polled or Polled(source), caller.publication_id))


@router.post(
    "/sources/{number}/poll",
    auth=needs(Scope.SOURCES_WRITE),
    response={200: PolledFacts, **STATUSES},
)
def poll_source(request: HttpRequest, number: Id) -> Any:
    """Look for new articles now; `problem` says what is wrong if there is something."""
    caller = caller_of(request)
    source = get_object_or_404(caller.scope.sources(), pk=number)
    if source.kind == Source.Kind.PUSHED:
        raise ProblemError(409, "What is pushed cannot be polled.")
    return _polled(polling.poll(source, clock.now()), caller.publication_id)


@router.delete(
    "/newsletters/{slug}/sources/{number}",
    auth=needs(Scope.SOURCES_WRITE),
    response={204: None, **STATUSES},
)
def remove_source(request: HttpRequest, slug: Slug, number: Id) -> Any:
    """Let a newsletter carry a source no more; forgotten where none carries it."""
    caller = caller_of(request)
    sourcing.detach_from_newsletter(
        get_newsletter(caller, slug), get_object_or_404(caller.scope.sources(), pk=number)
    )
    return Status(204, None)


def _found(newsletter: Newsletter, url: str | None, now: datetime) -> tuple[Source, Polled | None]:
    if url is None:
        return pushing.source_of(newsletter.publication.slug, now), None
    source = add_source(url, now)
    return source, polling.poll(source, now)


def _polled(polled: Polled, publication: int | None) -> dict[str, Any]:
    counts = {name: getattr(polled, name) for name in ("new", "changed", "unchanged", "problem")}
    return counts | {"source": _facts(polled.source, publication)}


def _facts(source: Source, publication: int | None) -> dict[str, Any]:
    carriers = source.newsletters.order_by("slug")
    if publication is not None:
        carriers = carriers.filter(publication=publication)
    return {
        "id": source.pk,
        "url": source.url,
        "title": source.title,
        "kind": source.kind,
        "newsletters": list(carriers.values_list("slug", flat=True)),
        "succeeded_at": source.succeeded_at,
        "next_poll_at": source.next_poll_at if source.is_polled else None,
        "failures": source.failures,
        "problem": source.problem,
    }
