"""Change the blocks of an issue before it goes out: add, edit, move, hide, remove."""

from typing import Any

from django.db import transaction

from digest.accounts.models import User
from digest.articles import storing
from digest.issues import history
from digest.issues.changing import block_of, changing, left_out_entry
from digest.issues.errors import IssueError
from digest.issues.models import Block, Issue
from digest.newsletters import appeals, blocks, checks
from digest.newsletters.choices import MESSAGE_KINDS, RULED_KINDS, BlockKind, BlockStyle
from digest.newsletters.models import Appeal, Newsletter

MOST_BLOCKS = 50
FIELDS = frozenset(["title", "content", "style", "shown_in", "only_topics", "appeal", "segment"])
ADDABLE = frozenset(BlockKind) - RULED_KINDS
RETRACTED = "This is the text of an article that was retracted. Restore it first."


def add(issue: Issue, by: User, kind: str, to: int | None = None, **values: Any) -> Block:
    """Add a block at a place (None: at the end), with FIELDS; return it.

    Stories that an editor puts together are of the kind picked: the other kinds of stories fill
    themselves by a rule of the layout. Raises IssueError or NewsletterError for what cannot be.
    """
    if kind not in ADDABLE:
        raise IssueError(f"{kind!r} is not a block that can be added to an issue.")
    block = Block(issue=issue, kind=kind)
    _set_values(block, issue, values)
    with changing(issue, None, by, f"Add {block.get_kind_display()}") as locked:
        if locked.blocks.count() >= MOST_BLOCKS:
            raise IssueError(f"An issue has {MOST_BLOCKS} blocks at most.")
        if kind == BlockKind.LEAD and locked.blocks.filter(kind=kind).exists():
            raise IssueError("This issue has a lead story already.")
        block.position = MOST_BLOCKS + 1
        block.save()
        _move(locked, block, to)
    block.refresh_from_db()
    return block


def change(issue: Issue, block_id: int, version: int, by: User, **values: Any) -> Block:
    """Change FIELDS of a block; raise EditConflictError if it has another version by now."""
    block = block_of(issue, block_id, version)
    summary, key = f"Edit {block.get_kind_display()}", f"block:{block_id}"
    with changing(issue, None, by, summary, key) as locked:
        block = block_of(locked, block_id, version)
        _set_values(block, locked, values)
        block.version += 1
        block.save()
    return block


def move(issue: Issue, block_id: int, to: int, by: User) -> None:
    """Put a block to a place (0 is first); the others make room."""
    block = block_of(issue, block_id)
    with changing(issue, None, by, f"Move {block.get_kind_display()}") as locked:
        _move(locked, block_of(locked, block_id), to)


def hide(issue: Issue, block_id: int, by: User, *, hidden: bool) -> None:
    """Let a block be in no mail while its content stays, or show it again.

    Raises IssueError for the whole text of an article that was retracted: it stays hidden.
    """
    block = block_of(issue, block_id)
    summary = f"{'Hide' if hidden else 'Show'} {block.get_kind_display()}"
    with transaction.atomic():
        storing.lock_articles([block.article_id])
        with changing(issue, None, by, summary) as locked:
            block = block_of(locked, block_id)
            if not hidden and history.retracted_articles(locked, [block.article_id]):
                raise IssueError(RETRACTED)
            block.hidden = hidden
            block.version += 1
            block.save(update_fields=["hidden", "version"])


def remove(issue: Issue, block_id: int, by: User) -> None:
    """Remove a block; its stories are among those left out then, and may be added again."""
    block = block_of(issue, block_id)
    with changing(issue, None, by, f"Remove {block.get_kind_display()}") as locked:
        block = block_of(locked, block_id)
        stories = list(block.stories.order_by("position"))
        if stories and not locked.stories.exclude(block=block).exists():
            raise IssueError("It holds the only stories of this issue: skip the issue instead.")
        removed = {story.article_id for story in stories}
        locked.left_out = [
            *(left_out_entry(story, "removed by an editor") for story in stories),
            *(left for left in locked.left_out if left["article"] not in removed),
        ]
        block.delete()


def _move(issue: Issue, block: Block, to: int | None) -> None:
    order = [row for row in issue.blocks.order_by("position", "pk") if row.pk != block.pk]
    order.insert(len(order) if to is None else max(0, to), block)
    for position, row in enumerate(order):
        if row.position != position:
            row.position = position
            row.save(update_fields=["position"])


def _set_values(block: Block, issue: Issue, values: dict[str, Any]) -> None:
    if unknown := sorted(set(values) - FIELDS):
        raise IssueError(f"A block has no {unknown[0]!r}.")
    before, former_appeal_id = set(blocks.picture_uuids(block.content)), block.appeal_id
    for name, value in values.items():
        setattr(block, name, value)
    block.style = block.style or BlockStyle.STANDARD
    blocks.check_fields(block)
    chosen = set(blocks.picture_uuids(block.content)) - before
    checks.require_own_pictures(issue.newsletter.publication_id, chosen)
    checks.require_own_segment(issue.newsletter.publication_id, block.segment)
    _check_appeal(block, block.appeal, issue)
    if block.appeal and block.appeal_id != former_appeal_id:
        _require_allowed(block.appeal, issue.newsletter)


def _check_appeal(block: Block, appeal: Appeal | None, issue: Issue) -> None:
    if appeal and block.kind not in MESSAGE_KINDS:
        raise IssueError("Only a block for an appeal or a sponsor shows one.")
    if appeal and appeal.publication_id != issue.newsletter.publication_id:
        raise IssueError("This appeal is another publication's.")
    if appeal and appeal.kind != block.kind:
        raise IssueError("An appeal is for a block of appeals, a sponsor for one of sponsors.")


def _require_allowed(appeal: Appeal, newsletter: Newsletter) -> None:
    """Raise IssueError for an appeal that is limited to other newsletters, as it was sold."""
    if not Appeal.objects.filter(appeals.allowed_in(newsletter), pk=appeal.pk).exists():
        raise IssueError(f"“{appeal}” is limited to other newsletters.")
