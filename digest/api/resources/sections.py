"""The sections of a newsletter: add, change, move, take out."""

from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import Http404, HttpRequest
from ninja import Router, Status
from pydantic import Field

from digest.accounts.scopes import Scope
from digest.api.authentication import caller_of, needs
from digest.api.idempotency import doing_once
from digest.api.lookup import get_newsletter
from digest.api.problems import STATUSES
from digest.api.resources.newsletters import NewsletterShown, shown
from digest.api.schemas import Id, Line, Slug, Told
from digest.core import clock
from digest.newsletters import sections
from digest.newsletters.models import Newsletter, Section
from digest.sending import topics

router = Router(tags=["newsletters"])

Title = Annotated[Line, Field(min_length=1, max_length=sections.LONGEST_TITLE)]
Topics = Annotated[list[Title], Field(max_length=100)]
Stories = Annotated[int, Field(strict=True, ge=1, le=sections.LARGEST)]
Places = Annotated[int, Field(strict=True, ge=-sections.MOST, le=sections.MOST)]


class SectionNew(Told):
    """A section for the end of a newsletter."""

    kind: Literal["latest", "topic", "picked"]
    title: Title
    topics: Topics = Field([], description="of a topic section: tags, or the paper's sections")
    max_stories: Stories = 10


class SectionChange(Told):
    """What is to be otherwise; what is absent stays."""

    title: Title | None = None
    topics: Topics | None = None
    max_stories: Stories | None = None
    move: Places = Field(0, description="places down; up if negative")


@router.post(
    "/newsletters/{slug}/sections",
    auth=needs(Scope.NEWSLETTERS_WRITE),
    response={201: NewsletterShown, **STATUSES},
)
@doing_once
def add_section(request: HttpRequest, slug: Slug, told: SectionNew) -> Any:
    """Add a section at the end."""
    newsletter = get_newsletter(caller_of(request), slug)
    sections.add(newsletter, told.kind, told.title, told.topics, told.max_stories)
    return Status(201, shown(newsletter, clock.now()))


@router.patch(
    "/newsletters/{slug}/sections/{number}",
    auth=needs(Scope.NEWSLETTERS_WRITE),
    response={200: NewsletterShown, **STATUSES},
)
def change_section(request: HttpRequest, slug: Slug, number: Id, told: SectionChange) -> Any:
    """Change a section, or move it; subscribers keep the topic under its new title."""
    newsletter = get_newsletter(caller_of(request), slug)
    section = _find(newsletter, number)
    with transaction.atomic():
        topics.change_section(
            section,
            section.title if told.title is None else told.title,
            section.topics if told.topics is None else told.topics,
            told.max_stories or section.max_stories,
        )
        if told.move:
            sections.move(section, told.move)
    return shown(newsletter, clock.now())


@router.delete(
    "/newsletters/{slug}/sections/{number}",
    auth=needs(Scope.NEWSLETTERS_WRITE),
    response={204: None, **STATUSES},
)
def remove_section(request: HttpRequest, slug: Slug, number: Id) -> Any:
    """Take a section out, and what was picked for it; the last one stays."""
    newsletter = get_newsletter(caller_of(request), slug)
    sections.remove(_find(newsletter, number))
    return Status(204, None)


def _find(newsletter: Newsletter, number: int) -> Section:
    if (found := newsletter.sections.filter(pk=number).first()) is None:
        raise Http404
    return found
