"""The blocks of an issue, and its stories in them: add, change, move, remove, undo.

They are the changes of the console's editor: an open issue takes them, an approval falls.
"""

from typing import Annotated, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Status
from pydantic import Field

from digest.accounts.models import User
from digest.accounts.scopes import Scope
from digest.api.authentication import caller_of
from digest.api.idempotency import idempotent
from digest.api.lookup import find_segment
from digest.api.resources import issue_schemas as schemas
from digest.api.resources.layout import BlockContent
from digest.api.routing import Operations
from digest.api.schemas import Id, Payload
from digest.issues import block_editing, editing
from digest.issues.editing import MOST_STORIES
from digest.issues.models import Issue
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Appeal

router = Operations(tags=["issues"])

Place = Annotated[int, Field(strict=True, ge=0, le=MOST_STORIES)]


class BlockValues(BlockContent):
    """The fields of a block of an issue. Absent fields stay as they are."""

    appeal: Id | None = Field(None, description="For the kinds appeal and sponsor: what it shows.")


class BlockIn(BlockValues):
    """A new block of an issue."""

    kind: BlockKind
    position: Place | None = Field(None, description="0 is first. Null: at the end.")


class BlockPatch(BlockValues):
    """Changes to a block of an issue."""

    version: Id | None = Field(
        None, description="The version that the caller saw. Needed to change fields."
    )
    hidden: bool | None = Field(None, description="A hidden block is kept, but is in no mail.")
    position: Place | None = None


class StoryMoveIn(Payload):
    """Where a story goes."""

    block: Id
    position: Place = 0


class StoryIn(Payload):
    """An article that becomes a story, and where."""

    article: Id
    block: Id | None = Field(None, description="Null: the block of its topic.")
    position: Place | None = Field(None, description="0 is first. Null: at the end.")


@router.create("/issues/{issue_id}/blocks", Scope.ISSUES_WRITE, returns=schemas.IssueDetailOut)
@idempotent
def add_block(request: HttpRequest, issue_id: Id, payload: BlockIn) -> Any:
    """Add a block to an issue. Blocks that fill themselves come from the layout alone."""
    issue, by = _issue(request, issue_id), _user(request)
    values = _values(request, payload)
    block_editing.add(issue, by, payload.kind, payload.position, **values)
    return Status(201, _detail(issue))


@router.change(
    "/issues/{issue_id}/blocks/{block_id}", Scope.ISSUES_WRITE, returns=schemas.IssueDetailOut
)
def change_block(request: HttpRequest, issue_id: Id, block_id: Id, payload: BlockPatch) -> Any:
    """Change, hide, show or move a block. Another version than the caller saw is a conflict."""
    issue, by = _issue(request, issue_id), _user(request)
    if values := _values(request, payload):
        block_editing.change(issue, block_id, payload.version or 0, by, **values)
    if payload.hidden is not None:
        block_editing.hide(issue, block_id, by, hidden=payload.hidden)
    if payload.position is not None:
        block_editing.move(issue, block_id, payload.position, by)
    return _detail(issue)


@router.remove("/issues/{issue_id}/blocks/{block_id}", Scope.ISSUES_WRITE)
def remove_block(request: HttpRequest, issue_id: Id, block_id: Id) -> Any:
    """Remove a block. Its stories are among those left out then."""
    block_editing.remove(_issue(request, issue_id), block_id, _user(request))
    return Status(204, None)


@router.create("/issues/{issue_id}/stories", Scope.ISSUES_WRITE, returns=schemas.IssueDetailOut)
@idempotent
def add_story(request: HttpRequest, issue_id: Id, payload: StoryIn) -> Any:
    """Add an article to an issue: to a block, or to the block of its topic."""
    issue, by = _issue(request, issue_id), _user(request)
    article = get_object_or_404(caller_of(request).scope.articles(), pk=payload.article)
    editing.add(issue, None, article, by, payload.block, payload.position)
    return Status(201, _detail(issue))


@router.run(
    "/issues/{issue_id}/stories/{story_id}/move",
    Scope.ISSUES_WRITE,
    returns=schemas.IssueDetailOut,
)
def move_story(request: HttpRequest, issue_id: Id, story_id: Id, payload: StoryMoveIn) -> Any:
    """Move a story to a place in a block."""
    issue, by = _issue(request, issue_id), _user(request)
    editing.move(issue, None, story_id, payload.block, payload.position, by)
    return _detail(issue)


@router.run("/issues/{issue_id}/changes/undo", Scope.ISSUES_WRITE, returns=schemas.IssueDetailOut)
def undo_change(request: HttpRequest, issue_id: Id, payload: schemas.RevisionIn) -> Any:
    """Undo the last change of the content."""
    issue = _issue(request, issue_id)
    editing.undo(issue, payload.revision, _user(request))
    return _detail(issue)


@router.run("/issues/{issue_id}/changes/redo", Scope.ISSUES_WRITE, returns=schemas.IssueDetailOut)
def redo_change(request: HttpRequest, issue_id: Id, payload: schemas.RevisionIn) -> Any:
    """Make the change again that was undone last."""
    issue = _issue(request, issue_id)
    editing.redo(issue, payload.revision, _user(request))
    return _detail(issue)


def _values(request: HttpRequest, payload: BlockValues) -> dict[str, Any]:
    """Return the fields of a block in a request; raise Http404 for an appeal out of reach."""
    values = payload.model_dump(include=set(BlockValues.model_fields), exclude_none=True)
    if payload.appeal is not None:
        publications = caller_of(request).scope.publications()
        appeals = Appeal.objects.filter(publication__in=publications)
        values["appeal"] = get_object_or_404(appeals, pk=payload.appeal)
    if payload.segment is not None:
        values["segment"] = find_segment(caller_of(request), payload.segment)
    return values


def _issue(request: HttpRequest, issue_id: int) -> Issue:
    return get_object_or_404(caller_of(request).scope.issues(), pk=issue_id)


def _user(request: HttpRequest) -> User:
    return caller_of(request).token.owner


def _detail(issue: Issue) -> dict[str, Any]:
    issue.refresh_from_db()
    return schemas.issue_detail_out(issue)
