"""The layout of a newsletter: add, change, move, remove its blocks."""

from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Status
from pydantic import Field

from digest.accounts.scopes import Scope
from digest.api.authentication import caller_of
from digest.api.idempotency import idempotent
from digest.api.lookup import find_segment, get_newsletter
from digest.api.resources.newsletters import NewsletterDetailOut, newsletter_detail_out
from digest.api.routing import Operations
from digest.api.schemas import Id, Line, Payload, Slug
from digest.core import clock
from digest.newsletters import contributions
from digest.newsletters import layout as layouts
from digest.newsletters.choices import BlockKind, BlockStyle, ShownIn
from digest.newsletters.models import LayoutBlock, Newsletter
from digest.sending import topics

router = Operations(tags=["newsletters"])

Title = Annotated[Line, Field(max_length=layouts.LONGEST_TITLE)]
Topic = Annotated[Line, Field(min_length=1, max_length=layouts.LONGEST_TITLE)]
Topics = Annotated[list[Topic], Field(max_length=100)]
SourceIds = Annotated[list[Id], Field(max_length=100)]
StoryCount = Annotated[int, Field(strict=True, ge=1, le=layouts.LARGEST)]
Segment = Annotated[int, Field(ge=0, le=2**63 - 1)]
Offset = Annotated[int, Field(strict=True, ge=-layouts.MOST, le=layouts.MOST)]
Places = Annotated[ShownIn, Field(description="Only in emails, only on the web, or both.")]


class BlockContent(Payload):
    """What blocks of layouts and of issues have in common. Absent fields stay as they are."""

    title: Title | None = None
    content: dict[str, Any] | None = Field(
        None, description="By kind: a note has a document, an author, a role, a picture, and so on."
    )
    style: BlockStyle | None = None
    shown_in: Places | None = None
    only_topics: Topics | None = Field(
        None, description="Only for subscribers who chose one of these topics. Empty: everyone."
    )
    segment: Segment | None = Field(
        None, description="Only for subscribers of this segment (id). 0: everyone."
    )


class LayoutBlockPatch(BlockContent):
    """Changes to a block. Absent fields stay as they are."""

    topics: Topics | None = Field(
        None, description="For a topic block: tags, or sections of the publication."
    )
    source_ids: SourceIds | None = Field(None, description="Stories of these sources. Empty: all.")
    max_stories: StoryCount | None = None
    move: Offset = Field(0, description="Number of places to move down; negative moves up.")


class LayoutBlockIn(LayoutBlockPatch):
    """A new block at the end of a layout."""

    kind: BlockKind


@router.create("/newsletters/{slug}/layout", Scope.NEWSLETTERS_WRITE, returns=NewsletterDetailOut)
@idempotent
def add_layout_block(request: HttpRequest, slug: Slug, payload: LayoutBlockIn) -> Any:
    """Add a block at the end of the layout, or moved up from there."""
    newsletter = get_newsletter(caller_of(request), slug)
    with transaction.atomic():
        contributions.note(caller_of(request).token.owner, newsletter)
        block = layouts.add(newsletter, payload.kind, **_values(request, payload))
        if payload.move:
            layouts.move(block, payload.move)
    return Status(201, newsletter_detail_out(newsletter, clock.now()))


@router.change(
    "/newsletters/{slug}/layout/{block_id}", Scope.NEWSLETTERS_WRITE, returns=NewsletterDetailOut
)
def change_layout_block(
    request: HttpRequest, slug: Slug, block_id: Id, payload: LayoutBlockPatch
) -> Any:
    """Change or move a block. Subscribers keep a topic that is renamed."""
    newsletter = get_newsletter(caller_of(request), slug)
    block = _get_block(newsletter, block_id)
    with transaction.atomic():
        contributions.note(caller_of(request).token.owner, newsletter)
        topics.change_layout_block(block, **_values(request, payload))
        if payload.move:
            layouts.move(block, payload.move)
    return newsletter_detail_out(newsletter, clock.now())


@router.remove("/newsletters/{slug}/layout/{block_id}", Scope.NEWSLETTERS_WRITE)
def remove_layout_block(request: HttpRequest, slug: Slug, block_id: Id) -> Any:
    """Remove a block and its picks. The last block of stories cannot be removed."""
    newsletter = get_newsletter(caller_of(request), slug)
    block = _get_block(newsletter, block_id)
    with transaction.atomic():
        layouts.remove(block)
        contributions.note(caller_of(request).token.owner, newsletter)
    return Status(204, None)


def _values(request: HttpRequest, payload: LayoutBlockPatch) -> dict[str, Any]:
    values = payload.model_dump(exclude={"move", "kind"}, exclude_none=True)
    if "segment" in values:
        values["segment"] = find_segment(caller_of(request), values["segment"])
    return values


def _get_block(newsletter: Newsletter, block_id: int) -> LayoutBlock:
    return get_object_or_404(newsletter.layout, pk=block_id)
