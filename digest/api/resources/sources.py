"""Sources: find the feed at an address, list, poll, remove."""

from datetime import datetime
from typing import Annotated, Any

from django.db import transaction
from django.db.models import Prefetch
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status
from pydantic import BaseModel, Field, StringConstraints

from digest.accounts.scopes import Scope
from digest.api.authentication import caller_of
from digest.api.idempotency import idempotent
from digest.api.lookup import NewsletterQuery, get_newsletter, of_newsletter
from digest.api.paging import Page, paginate
from digest.api.problems import ProblemError
from digest.api.routing import Operations
from digest.api.schemas import Id, Payload, Slug, Switch
from digest.articles import polling, pushing
from digest.articles.discovery import add_and_poll
from digest.articles.models import Source
from digest.articles.polling import PollResult
from digest.core import clock
from digest.newsletters import contributions, sourcing
from digest.newsletters.models import Newsletter
from digest.tenancy.scope import PublicationScope

router = Operations(tags=["sources"])

AddressText = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x20\x7f]+$", min_length=1, max_length=2000)
]


class SourceIn(Payload):
    """A new source of a newsletter: an address, or the articles that this API pushes."""

    newsletter: Slug
    url: AddressText | None = Field(None, description="Address of a feed, a site or an article.")
    pushed: Annotated[Switch, Field(description="Use the articles pushed for the publication.")] = (
        False
    )


class SourceOut(BaseModel):
    """A source and its state."""

    id: int
    url: str
    title: str
    kind: str
    newsletters: list[str]
    succeeded_at: datetime | None
    next_poll_at: datetime | None
    failures: int
    problem: str
    switched_off_at: datetime | None


class PollResultOut(BaseModel):
    """The result of a poll."""

    source: SourceOut
    new: int = Field(description="Articles that were not known yet.")
    changed: int = Field(description="Articles of which another version is stored now.")
    unchanged: int
    problem: str = Field(description="Why the poll failed; empty if it did not.")


@router.read("/sources", Scope.SOURCES_READ, returns=Page[SourceOut])
def list_sources(request: HttpRequest, query: Query[NewsletterQuery]) -> Any:
    """List sources."""
    caller = caller_of(request)
    sources = of_newsletter(caller, caller.scope.sources(), query.newsletter, "newsletters")
    in_scope = Prefetch("newsletters", caller.scope.newsletters(), to_attr="newsletters_in_scope")
    return paginate(
        sources.prefetch_related(in_scope),
        query,
        "sources",
        lambda source: _serialize(source, caller.scope),
    )


@router.create("/sources", Scope.SOURCES_WRITE, returns=PollResultOut)
@idempotent
def create_source(request: HttpRequest, payload: SourceIn) -> Any:
    """Find the feed at an address, poll it, and add it to a newsletter.

    Takes a token of the whole publication, which sources belong to.
    """
    caller, now = caller_of(request), clock.now()
    newsletter = get_newsletter(caller, payload.newsletter)
    if not caller.scope.includes(newsletter.publication_id):
        raise ProblemError(403, "Only a token of the whole publication adds sources.")
    if payload.pushed is (payload.url is not None):
        raise ProblemError(422, "Give either url, or pushed: true.")
    with contributions.noted(caller.token.owner, newsletter):
        source, polled = _find_source(newsletter, payload.url, now)
        newsletter.sources.add(source)
    return Status(201, _polled(polled or PollResult(source), caller.scope))


@router.run("/sources/{source_id}/poll", Scope.SOURCES_WRITE, returns=PollResultOut)
def poll_source(request: HttpRequest, source_id: Id) -> Any:
    """Poll a source now. `problem` says what is wrong, if anything is."""
    caller = caller_of(request)
    source = get_object_or_404(caller.scope.sources(), pk=source_id)
    if source.kind == Source.Kind.PUSHED:
        raise ProblemError(409, "A source of pushed articles cannot be polled.")
    return _polled(polling.poll(source, clock.now()), caller.scope)


@router.remove("/newsletters/{slug}/sources/{source_id}", Scope.SOURCES_WRITE)
def remove_source(request: HttpRequest, slug: Slug, source_id: Id) -> Any:
    """Remove a source from a newsletter. It is deleted if no other newsletter uses it."""
    caller = caller_of(request)
    newsletter = get_newsletter(caller, slug)
    source = get_object_or_404(caller.scope.sources(), pk=source_id)
    with transaction.atomic():
        if sourcing.detach_from_newsletter(newsletter, source):
            contributions.note(caller.token.owner, newsletter)
    return Status(204, None)


def _find_source(
    newsletter: Newsletter, url: str | None, now: datetime
) -> tuple[Source, PollResult | None]:
    if url is None:
        publication = newsletter.publication
        return pushing.source_of(publication.pk, publication.slug, now), None
    polled = add_and_poll(newsletter.publication_id, url, now)
    return polled.source, polled


def _polled(polled: PollResult, scope: PublicationScope) -> dict[str, Any]:
    return polled.summary | {"source": _serialize(polled.source, scope)}


def _serialize(source: Source, scope: PublicationScope) -> dict[str, Any]:
    """Return a source, with those of its newsletters that are in scope."""
    fetched: list[Newsletter] | None = getattr(source, "newsletters_in_scope", None)
    newsletters = scope.newsletters().filter(sources=source) if fetched is None else fetched
    return {
        "id": source.pk,
        "url": source.url,
        "title": source.title,
        "kind": source.kind,
        "newsletters": sorted(newsletter.slug for newsletter in newsletters),
        "succeeded_at": source.succeeded_at,
        "next_poll_at": source.next_poll_at if source.is_polled else None,
        "failures": source.failures,
        "problem": source.problem,
        "switched_off_at": source.switched_off_at,
    }
