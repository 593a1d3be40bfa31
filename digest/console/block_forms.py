"""The fields of a block, of an issue or of a layout: which each kind has, and reading them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from digest.console.access import parse_id
from digest.console.pictures.answers import thumbnails
from digest.core import rich_text
from digest.newsletters.audiences.models import Segment
from digest.newsletters.block_fields import BlockFields
from digest.newsletters.blocks import MOST_ANSWERS
from digest.newsletters.choices import MESSAGE_KINDS, BlockKind, BlockStyle, ShownIn
from digest.newsletters.errors import NewsletterError
from digest.tenancy.scope import PublicationScope


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of block as the menu "Add block" offers it."""

    value: str
    label: str
    icon: str  # of Material Symbols
    description: str


_OFFERED = (
    (BlockKind.NOTE, "edit_note", "A personal text with your name and portrait"),
    (BlockKind.LEAD, "newspaper", "The first story, with a large picture"),
    (BlockKind.LATEST, "schedule", "The newest stories"),
    (BlockKind.TOPIC, "label", "Stories about a topic that subscribers can choose"),
    (BlockKind.POPULAR, "trending_up", "Articles that many people read"),
    (BlockKind.DEEP, "menu_book", "Articles that people read to the end; needs reading times"),
    (BlockKind.PICKED, "checklist", "Stories that you choose yourself"),
    (BlockKind.TEXT, "notes", "Headings, paragraphs, lists, quotes and pictures"),
    (BlockKind.IMAGE, "image", "A picture with caption and credit"),
    (BlockKind.LINK, "add_link", "A page from anywhere: paste its address"),
    (BlockKind.MEDIA, "play_circle", "A podcast episode or a video"),
    (BlockKind.APPEAL, "volunteer_activism", "A message from your publication"),
    (BlockKind.SPONSOR, "campaign", "A message of a sponsor, with its label"),
    (BlockKind.FEEDBACK, "thumbs_up_down", "One question with a few answers"),
    (BlockKind.DIVIDER, "horizontal_rule", "A line between two blocks"),
)
KINDS = tuple(Kind(kind.value, str(kind.label), icon, text) for kind, icon, text in _OFFERED)
ICONS = {kind.value: kind.icon for kind in KINDS}
_LINES: dict[str, tuple[str, ...]] = {
    BlockKind.NOTE: ("author", "role", "picture"),
    BlockKind.IMAGE: ("picture", "shape", "alt", "caption", "credit", "url"),
    BlockKind.LINK: ("url", "title", "description", "site", "picture"),
    BlockKind.FEEDBACK: ("question",),
    BlockKind.MEDIA: ("url", "title", "description", "duration", "picture", "media"),
}
_WRITTEN = frozenset([BlockKind.NOTE, BlockKind.TEXT])
_EXCERPT = 140  # characters


def read_values(
    block: BlockFields, data: QueryDict, publication_id: int, scope: PublicationScope
) -> dict[str, Any]:
    """Return the fields of a block that a form has, by the names of the model's fields.

    Raises RichTextError for a text that cannot be read, NewsletterError for a segment that is gone.
    """
    values: dict[str, Any] = {
        name: data[f"block_{name}"]
        for name in ("title", "style", "shown_in")
        if f"block_{name}" in data
    }
    if "block_segment" in data:
        value = str(data["block_segment"])
        is_kept = value == str(block.segment_id or "")
        values["segment"] = block.segment if is_kept else read_segment(publication_id, value, scope)
    if "chooses_topics" in data:
        values["only_topics"] = data.getlist("only_topics")
    return values | {"content": read_content(block.kind, block.content, data)}


def read_segment(publication_id: int, value: str, scope: PublicationScope) -> Segment | None:
    """Return the segment that a form names, None for everyone.

    Raises NewsletterError if the publication does not have it, or it is out of scope: it never
    means everyone.
    """
    if not value:
        return None
    segments = scope.filter(Segment.objects.filter(publication=publication_id))
    rows = segments.filter(pk=parse_id(value) or 0)
    if (segment := rows.first()) is None:
        raise NewsletterError("This segment no longer exists. Choose another one.")
    return segment


def read_content(kind: str, content: Mapping[str, Any], data: QueryDict) -> dict[str, Any]:
    """Return the content of a block with what a form changes in it. Raises RichTextError."""
    changed = dict(content)
    for name in _LINES.get(kind, ()):
        if name in data:
            changed[name] = data[name]
    if kind in _WRITTEN and "document" in data:
        changed["document"] = rich_text.from_field(str(data["document"]), document_of(content))
    if kind == BlockKind.FEEDBACK and "answer" in data:
        changed["answers"] = data.getlist("answer")
    return changed


def document_of(content: Mapping[str, Any]) -> rich_text.Document:
    """Return the text of a block's content; the empty one if it has none."""
    return rich_text.parse(content.get("document"))


def context(
    block: BlockFields, topics: list[str], publication_id: int, scope: PublicationScope
) -> dict[str, Any]:
    """Return what the template of a block's form needs besides the block itself."""
    document = document_of(block.content) if block.kind in _WRITTEN else None
    picture = block.content.get("picture", "")
    answers = [*block.content.get("answers", ()), *[""] * MOST_ANSWERS][:MOST_ANSWERS]
    return {
        "block": block,
        "content": block.content,
        "icon": ICONS[block.kind],
        "document": document,
        "picture_url": picture_url(publication_id, picture),
        "field_id": f"text-{block.pk}",
        "answers": answers,
        "is_message": block.kind in MESSAGE_KINDS,
        "excerpt": excerpt(block),
        "shown_in": ShownIn.choices,
        "styles": BlockStyle.choices,
        "segments": segments_for(publication_id, scope, block.segment_id),
        "topic_choices": [(topic, topic in block.only_topics) for topic in topics],
        "without_library": not scope.includes(publication_id),
    }


def segments_for(
    publication_id: int, scope: PublicationScope, kept_id: int | None = None
) -> list[tuple[int, str]]:
    """Return the segments that a block can be for, those in scope and its own: id and name.

    Segments are of the publication: an editor of some newsletters alone is offered none.
    """
    rows = Segment.objects.filter(publication=publication_id)
    if not scope.includes(publication_id):
        rows = rows.filter(pk=kept_id or 0)
    return list(rows.order_by("name", "pk").values_list("pk", "name"))


def picture_url(publication_id: int, uuid: str) -> str:
    """Return the address of a library's picture in a small size; empty without one."""
    return thumbnails(publication_id, [uuid]).get(uuid, "")


def excerpt(block: BlockFields) -> str:
    """Return the beginning of what a block says, for its line in the list."""
    content = block.content
    if block.kind in _WRITTEN:
        text = rich_text.plain_text(document_of(content))
    else:
        names = ("title", "question", "caption", "alt", "url")
        text = next((content[name] for name in names if content.get(name)), "")
    flat = " ".join(text.split())
    return flat if len(flat) <= _EXCERPT else f"{flat[:_EXCERPT].rstrip()} …"
