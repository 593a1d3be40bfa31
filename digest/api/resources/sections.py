"""The sections of a newsletter: add, change, move, remove."""

from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Status
from pydantic import Field

from digest.accounts.scopes import Scope
from digest.api.authentication import caller_of
from digest.api.idempotency import idempotent
from digest.api.lookup import get_newsletter
from digest.api.resources.newsletters import NewsletterDetailOut, newsletter_detail_out
from digest.api.routing import Operations
from digest.api.schemas import Id, Line, Payload, Slug
from digest.core import clock
from digest.newsletters import contributions, sections
from digest.newsletters.models import Newsletter, Section
from digest.sending import topics

router = Operations(tags=["newsletters"])

Title = Annotated[Line, Field(min_length=1, max_length=sections.LONGEST_TITLE)]
Topics = Annotated[list[Title], Field(max_length=100)]
StoryCount = Annotated[int, Field(strict=True, ge=1, le=sections.LARGEST)]
Offset = Annotated[int, Field(strict=True, ge=-sections.MOST, le=sections.MOST)]


class SectionIn(Payload):
    """A new section at the end of a newsletter."""

    kind: Literal["latest", "topic", "picked"]
    title: Title
    topics: Topics = Field(
        [], description="For a topic section: tags, or sections of the publication."
    )
    max_stories: StoryCount = 10


class SectionPatch(Payload):
    """Changes to a section. Absent fields stay as they are."""

    title: Title | None = None
    topics: Topics | None = None
    max_stories: StoryCount | None = None
    move: Offset = Field(0, description="Number of places to move down; negative moves up.")


@router.create("/newsletters/{slug}/sections", Scope.NEWSLETTERS_WRITE, returns=NewsletterDetailOut)
@idempotent
def add_section(request: HttpRequest, slug: Slug, payload: SectionIn) -> Any:
    """Add a section at the end."""
    newsletter = get_newsletter(caller_of(request), slug)
    contributions.note(caller_of(request).token.owner, newsletter)
    sections.add(newsletter, payload.kind, payload.title, payload.topics, payload.max_stories)
    return Status(201, newsletter_detail_out(newsletter, clock.now()))


@router.change(
    "/newsletters/{slug}/sections/{section_id}",
    Scope.NEWSLETTERS_WRITE,
    returns=NewsletterDetailOut,
)
def change_section(request: HttpRequest, slug: Slug, section_id: Id, payload: SectionPatch) -> Any:
    """Change or move a section. Subscribers keep a topic that is renamed."""
    newsletter = get_newsletter(caller_of(request), slug)
    section = _get_section(newsletter, section_id)
    with transaction.atomic():
        contributions.note(caller_of(request).token.owner, newsletter)
        topics.change_section(
            section,
            section.title if payload.title is None else payload.title,
            section.topics if payload.topics is None else payload.topics,
            payload.max_stories or section.max_stories,
        )
        if payload.move:
            sections.move(section, payload.move)
    return newsletter_detail_out(newsletter, clock.now())


@router.remove("/newsletters/{slug}/sections/{section_id}", Scope.NEWSLETTERS_WRITE)
def remove_section(request: HttpRequest, slug: Slug, section_id: Id) -> Any:
    """Remove a section and its picks. The last section cannot be removed."""
    newsletter = get_newsletter(caller_of(request), slug)
    contributions.note(caller_of(request).token.owner, newsletter)
    sections.remove(_get_section(newsletter, section_id))
    return Status(204, None)


def _get_section(newsletter: Newsletter, section_id: int) -> Section:
    return get_object_or_404(newsletter.sections, pk=section_id)
