"""What an editor does with the blocks of an issue: one small function for each verb."""

from collections.abc import Callable

from django.http import HttpRequest

from digest.console import block_forms
from digest.console.access import has_right, parse_id, scope_of, user_of
from digest.console.issues.form_values import read_number, read_optional
from digest.console.pictures.link_cards import fetch_content
from digest.issues import block_editing, editing
from digest.issues.changing import block_of
from digest.issues.errors import IssueError
from digest.issues.models import Block, Issue
from digest.newsletters.choices import MESSAGE_KINDS
from digest.newsletters.members import Right
from digest.newsletters.models import Appeal

Action = Callable[[Issue, HttpRequest], str]


def add_block(issue: Issue, request: HttpRequest) -> str:
    """Add a block of a kind, at a place or at the end."""
    kind, to = request.POST.get("kind", ""), read_optional(request, "to")
    block = block_editing.add(issue, user_of(request), kind, to)
    return f"Added: {block.get_kind_display()}."


def change_block(issue: Issue, request: HttpRequest) -> str:
    """Save the fields of a block that a form has."""
    block = block_of(issue, read_number(request, "block"))
    values = block_forms.read_values(
        block, request.POST, issue.newsletter.publication_id, scope_of(request, Right.EDIT)
    )
    if block.kind in MESSAGE_KINDS and "appeal" in request.POST:
        values["appeal"] = _appeal(issue, block, request)
    version = read_number(request, "version")
    block_editing.change(issue, block.pk, version, user_of(request), **values)
    return "Saved."


def move_block(issue: Issue, request: HttpRequest) -> str:
    """Move a block to a place."""
    block = block_of(issue, read_number(request, "block"))
    to = read_number(request, "to")
    block_editing.move(issue, block.pk, to, user_of(request))
    return f"{block} is number {min(to, issue.blocks.count() - 1) + 1} now."


def hide_block(issue: Issue, request: HttpRequest) -> str:
    """Hide a block, or show it again."""
    hidden = request.POST.get("hidden") == "1"
    block = block_of(issue, read_number(request, "block"))
    block_editing.hide(issue, block.pk, user_of(request), hidden=hidden)
    return f"{block} is {'hidden: it is in no mail' if hidden else 'shown again'}."


def remove_block(issue: Issue, request: HttpRequest) -> str:
    """Remove a block; this can be undone."""
    block = block_of(issue, read_number(request, "block"))
    block_editing.remove(issue, block.pk, user_of(request))
    return f"{block} was removed."


def fetch_link(issue: Issue, request: HttpRequest) -> str:
    """Fetch an address, and fill the link card with what the page says of itself."""
    block = block_of(issue, read_number(request, "block"))
    publication_id = issue.newsletter.publication_id
    values = fetch_content(publication_id, request.POST.get("url", ""), user_of(request))
    version = read_number(request, "version")
    block_editing.change(issue, block.pk, version, user_of(request), content=values)
    return f"The page “{values['title']}” was fetched."


def undo_change(issue: Issue, request: HttpRequest) -> str:
    """Undo the last change."""
    summary = editing.undo(issue, read_number(request, "revision"), user_of(request))
    return f"Undone: {summary}."


def redo_change(issue: Issue, request: HttpRequest) -> str:
    """Make the change again that was undone last."""
    summary = editing.redo(issue, read_number(request, "revision"), user_of(request))
    return f"Done again: {summary}."


VERBS: dict[str, Action] = {
    action.__name__: action
    for action in (
        *(add_block, change_block, move_block, hide_block, remove_block),
        *(fetch_link, undo_change, redo_change),
    )
}


def _appeal(issue: Issue, block: Block, request: HttpRequest) -> Appeal | None:
    """Return what a message block is to show; an editor of some newsletters keeps what it has."""
    value, publication = request.POST["appeal"], issue.newsletter.publication
    if value in {"", str(block.appeal_id)}:
        return block.appeal if value else None
    rows = publication.appeals.filter(pk=parse_id(value) or 0, archived_at=None)
    appeal = rows.first() if has_right(request, Right.EDIT, publication.pk) else None
    if appeal is None:
        raise IssueError("This appeal no longer exists. Choose another one.")
    return appeal
