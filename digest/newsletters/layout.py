"""The layout of a newsletter: its blocks, added, changed, moved and removed, without gaps."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from digest.newsletters import blocks, checks
from digest.newsletters.choices import MESSAGE_KINDS, RULED_KINDS, STORY_KINDS, BlockKind
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import LayoutBlock, Newsletter

MOST = 30  # blocks of a layout
LONGEST_TITLE = blocks.LONGEST_TITLE
LARGEST = 100  # stories of a block
FIELDS = frozenset(
    [
        *("title", "content", "style", "shown_in", "only_topics", "segment"),
        *("topics", "source_ids", "max_stories"),
    ]
)
_TITLED = RULED_KINDS | {
    BlockKind.PICKED
}  # their title is the heading, and for a topic what subscribers choose


@transaction.atomic
def add(
    newsletter: Newsletter,
    kind: str,
    title: str = "",
    topics: Iterable[str] = (),
    max_stories: int = 10,
    **details: Any,
) -> LayoutBlock:
    """Add a block at the end, once if asked twice; raise NewsletterError for what cannot be.

    `details` are further fields of LayoutBlock: content, style, shown_in, only_topics, segment,
    source_ids.
    """
    layout = _locked_layout(newsletter)
    block = LayoutBlock(newsletter=newsletter, position=len(layout), kind=kind)
    values = {"title": title, "topics": list(topics), "max_stories": max_stories, **details}
    _set_values(block, values)
    if layout and kind != BlockKind.DIVIDER and _values_of(layout[-1]) == _values_of(block):
        return layout[-1]
    if len(layout) >= MOST:
        raise NewsletterError(f"A newsletter has {MOST} blocks at most.")
    if kind == BlockKind.LEAD and any(row.kind == BlockKind.LEAD for row in layout):
        raise NewsletterError("A newsletter has one lead story.")
    block.save()
    return block


def change(block: LayoutBlock, **details: Any) -> None:
    """Change fields of a block (FIELDS); raise NewsletterError for what cannot be."""
    _set_values(block, details)
    block.save(update_fields=details)


@transaction.atomic
def move(block: LayoutBlock, places: int) -> None:
    """Move a block down by so many places, up if negative; at most to the end."""
    layout = _locked_layout(block.newsletter)
    _place(layout, block, _index(layout, block) + places)


@transaction.atomic
def move_to(block: LayoutBlock, position: int) -> None:
    """Move a block to a position (0 is first); at most to the end."""
    _place(_locked_layout(block.newsletter), block, position)


@transaction.atomic
def remove(block: LayoutBlock) -> None:
    """Remove a block, and what was picked for it; the last one with stories stays."""
    layout = _locked_layout(block.newsletter)
    remaining = [row for row in layout if row.pk != block.pk]
    if not any(_fills_itself(row) for row in remaining):
        raise NewsletterError("A newsletter needs one block of stories at least.")
    block.delete()
    _number(remaining)


def parse_topics(text: str) -> list[str]:
    """Read `Harbour, Weather`, or a topic in each line; each once."""
    topics = (topic.strip() for topic in text.replace("\n", ",").split(","))
    return list(dict.fromkeys(topic for topic in topics if topic))


def _fills_itself(block: LayoutBlock) -> bool:
    """Say whether stories go into a block by its rule; the lead is taken from the others."""
    return block.kind in STORY_KINDS and block.kind != BlockKind.LEAD


def _locked_layout(newsletter: Newsletter) -> list[LayoutBlock]:
    """Return the blocks in order, while nobody else changes them."""
    Newsletter.objects.select_for_update().get(pk=newsletter.pk)
    return list(newsletter.layout.order_by("position"))


def _index(layout: list[LayoutBlock], block: LayoutBlock) -> int:
    places = [row.pk for row in layout]
    if block.pk not in places:
        raise NewsletterError("Somebody removed this block meanwhile.")
    return places.index(block.pk)


def _place(layout: list[LayoutBlock], block: LayoutBlock, position: int) -> None:
    row = layout.pop(_index(layout, block))
    layout.insert(max(0, position), row)
    _number(layout)


def _number(layout: list[LayoutBlock]) -> None:
    """Give them positions from 0 on; each is used by no other block on the way there."""
    free_position = max(block.position for block in layout) + 1
    for first in (free_position, 0):
        for position, block in enumerate(layout, first):
            block.position = position
            block.save(update_fields=["position"])


def _set_values(block: LayoutBlock, values: Mapping[str, Any]) -> None:
    if unknown := sorted(set(values) - FIELDS):
        raise NewsletterError(f"A block has no {unknown[0]!r}.")
    before = set(blocks.picture_uuids(block.content))
    for name, value in values.items():
        setattr(block, name, value)
    blocks.check_fields(block)
    chosen = set(blocks.picture_uuids(block.content)) - before
    checks.require_own_pictures(block.newsletter.publication_id, chosen)
    checks.require_own_segment(block.newsletter.publication_id, block.segment)
    block.topics = list(block.topics) if block.kind == BlockKind.TOPIC else []
    if block.kind in _TITLED:
        block.title = checks.check_line(block.title, "block's title", LONGEST_TITLE)
    if block.kind == BlockKind.TOPIC and not block.topics:
        raise NewsletterError(f"The block {block.title!r} names no topic.")
    if any(len(topic) > LONGEST_TITLE or not topic.isprintable() for topic in block.topics):
        raise NewsletterError(f"A topic has {LONGEST_TITLE} characters at most, in one line.")
    if block.kind in STORY_KINDS and not 1 <= block.max_stories <= LARGEST:
        raise NewsletterError(f"A block takes 1 to {LARGEST} stories.")
    if block.kind in MESSAGE_KINDS | {BlockKind.DIVIDER}:
        block.content = {}


def _values_of(block: LayoutBlock) -> tuple[Any, ...]:
    return (block.kind, *(getattr(block, name) for name in sorted(FIELDS)))
