"""The editor of an issue: its blocks as HTML, and the JSON that a change answers with.

The list of blocks is made of parts, each with a mark that changes with its content: the script
replaces the parts that are different, and leaves alone what somebody is writing in.
"""

from hashlib import sha256
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.template.loader import render_to_string

from digest.console import block_forms
from digest.console.access import has_right, scope_of
from digest.console.issues import header, sections
from digest.core import clock
from digest.issues import block_editing, history, pictures
from digest.issues.models import Block, Issue, Story
from digest.newsletters import appeals
from digest.newsletters.choices import BlockKind
from digest.newsletters.members import Right
from digest.newsletters.models import Appeal, LayoutBlock
from digest.pictures.renditions import rendition_of
from digest.pictures.sizes import Size

ADDABLE = tuple(kind for kind in block_forms.KINDS if kind.value in block_editing.ADDABLE)


class Part(NamedTuple):
    """A piece of HTML, and a mark that is another for another content."""

    html: str
    mark: str


class StoryView(NamedTuple):
    """A story in the list."""

    story: Story
    head: Part
    body: Part


class BlockView(NamedTuple):
    """A block in the list, with its stories."""

    block: Block
    head: Part
    body: Part
    stories: list[StoryView]


def context(request: HttpRequest, issue: Issue, *, editable: bool) -> dict[str, Any]:
    """Return what the template of the list of blocks needs."""
    undo, redo = history.steps(issue)
    return {
        "issue": issue,
        "editable": editable,
        "blocks": _blocks(request, issue, editable=editable),
        "addable": ADDABLE,
        "undo": undo,
        "redo": redo,
    }


def answer(request: HttpRequest, issue: Issue, message: str = "") -> dict[str, Any]:
    """Return the JSON that a change answers with: what the issue is now."""
    allowed = header.rights(request, issue)
    values = context(request, issue, editable=header.is_open(issue) and allowed.edit)
    left_out = {"issue": issue, "left_out": issue.left_out[: sections.LEFT_OUT]}
    return {
        "message": message,
        "revision": issue.revision,
        "editable": values["editable"],
        "undo": values["undo"],
        "redo": values["redo"],
        "changed_by": str(issue.changed_by or ""),
        "texts": {"subject": issue.own_subject, "preheader": issue.own_preheader},
        "blocks": render_to_string("console/issues/_blocks.html", values, request),
        "left_out": render_to_string("console/issues/_left_out.html", left_out, request),
    }


def mail_answer(request: HttpRequest, issue: Issue) -> dict[str, Any]:
    """Return the JSON of what depends on the mail as it would be made now; that takes longer."""
    values = sections.page(request, issue, clock.now())
    mail = values["mail"]
    return {
        "header": render_to_string("console/issues/_header.html", values, request),
        "size": render_to_string("console/issues/_size.html", values, request),
        "subject": mail.subject,
        "preheader": mail.preheader,
        "dropped": list(mail.dropped),
    }


def _blocks(request: HttpRequest, issue: Issue, *, editable: bool) -> list[BlockView]:
    stories: dict[int, list[Story]] = {}
    for story in issue.stories.select_related("article", "picture").order_by("position"):
        stories.setdefault(story.block_id, []).append(story)
    shared = _shared(issue, editable=editable) | {
        "rights": header.rights(request, issue),
        "appeals": _appeals(request, issue),
        "without_library": not scope_of(request, Right.EDIT).includes(
            issue.newsletter.publication_id
        ),
    }
    rows = issue.blocks.select_related("appeal", "layout_block", "segment").order_by("position")
    return [_block_view(request, row, stories.get(row.pk, []), shared) for row in rows]


def _shared(issue: Issue, *, editable: bool) -> dict[str, Any]:
    topics = LayoutBlock.objects.filter(newsletter=issue.newsletter_id, kind=BlockKind.TOPIC)
    return {
        "issue": issue,
        "editable": editable,
        "topics": list(topics.order_by("position").values_list("title", flat=True)),
        "publication_id": issue.newsletter.publication_id,
    }


def _appeals(request: HttpRequest, issue: Issue) -> list[Appeal]:
    """Return the appeals and sponsors that a block may be given.

    They are the publication's: an editor of some newsletters alone is offered none.
    """
    newsletter = issue.newsletter
    if not has_right(request, Right.EDIT, newsletter.publication_id):
        return []
    rows = Appeal.objects.filter(appeals.allowed_in(newsletter), archived_at=None)
    return list(rows.order_by("heading", "pk").distinct()[:100])


def _block_view(
    request: HttpRequest, block: Block, stories: list[Story], shared: dict[str, Any]
) -> BlockView:
    own = block_forms.context(
        block, shared["topics"], shared["publication_id"], scope_of(request, Right.EDIT)
    )
    offered = shared["appeals"]
    if block.appeal and block.appeal not in offered:
        offered = [block.appeal, *offered]
    values = shared | own | {"count": len(stories), "appeals": offered}
    return BlockView(
        block,
        _part(request, "console/issues/_block_head.html", values),
        _part(request, "console/issues/_block_body.html", values),
        [_story_view(request, story, shared) for story in stories],
    )


def _story_view(request: HttpRequest, story: Story, shared: dict[str, Any]) -> StoryView:
    values = shared | {"story": story} | _chosen_picture(story)
    return StoryView(
        story,
        _part(request, "console/issues/_story_head.html", values),
        _part(request, "console/issues/_story_body.html", values),
    )


def _chosen_picture(story: Story) -> dict[str, Any]:
    """Return what the field for a picture of the library shows: one that an editor chose."""
    picture = story.picture if pictures.is_chosen(story) else None
    if picture is None or not picture.is_ready:
        return {"content": {}, "picture_url": ""}
    url = rendition_of(picture, Size.CARD).url
    return {"content": {"picture": str(picture.uuid)}, "picture_url": url}


def _part(request: HttpRequest, template: str, values: dict[str, Any]) -> Part:
    html = render_to_string(template, values, request)
    return Part(html, sha256(html.encode()).hexdigest()[:16])
