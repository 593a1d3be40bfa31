"""Changes to many subscribers: prepared, previewed, begun, stopped, undone."""

from datetime import date, datetime
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of
from digest.api.idempotency import idempotent
from digest.api.lookup import PublicationQuery, find_segment, get_publication, of_publication
from digest.api.paging import Page, paginate
from digest.api.problems import ProblemError
from digest.api.resources.audience.segments import CountOut, Rules, serialize_count
from digest.api.routing import Operations
from digest.api.schemas import Id, Line, Payload, Slug, Text
from digest.bulk import previewing, running
from digest.bulk.actions import action_of
from digest.bulk.errors import BulkError
from digest.bulk.models import BulkChange
from digest.bulk.preparing import Selection, prepare
from digest.core import clock
from digest.newsletters.models import Publication

router = Operations(tags=["bulk changes"])
_SCOPES = (Scope.SUBSCRIBERS_READ, Scope.SUBSCRIBERS_WRITE)  # a change is shown as it is made

MOST_NAMED = 1_000  # subscribers

Kind = BulkChange.Kind
_FURTHER_SCOPES = {Kind.INVITE: Scope.ISSUES_SEND, Kind.ERASE: Scope.SUBSCRIBERS_ERASE}


class BulkChangeQuery(PublicationQuery):
    """Which changes."""

    state: BulkChange.State | None = None


class BulkChangeIn(Payload):
    """What to do to whom: give `segment`, `rules` or `subscribers`, and the fields of the kind."""

    publication: Slug
    kind: Kind
    segment: Id | None = None
    rules: Rules | None = None
    subscribers: Annotated[
        list[Id] | None,
        Field(min_length=1, max_length=MOST_NAMED, description="The ids of subscribers."),
    ] = None
    tag: Annotated[Line, Field(description="Of `add-tag` and `remove-tag`.")] = ""
    attribute: Annotated[Line, Field(description="The key, of `attribute`.")] = ""
    value: Annotated[
        Line | bool | int | float | None, Field(description="Of `attribute`; null removes it.")
    ] = None
    newsletter: Annotated[Slug | None, Field(description="Of `invite` and `remove`.")] = None
    until: Annotated[
        date | None, Field(description="Of `pause`: the first day on which mail is sent again.")
    ] = None


class ApplyIn(Payload):
    """What was previewed."""

    description: Annotated[
        Text | None,
        Field(description="As you saw it; 409 if the change is another one now."),
    ] = None
    selected: Annotated[
        int | None,
        Field(ge=1, strict=True, description="Required to erase: how many are selected."),
    ] = None


class BulkChangeOut(BaseModel):
    """A change to many subscribers."""

    id: int
    publication: str
    kind: str = Field(description="Blank: not chosen yet in the console.")
    description: str
    selection: str = Field(description="Who is selected, in words.")
    selected: int
    state: BulkChange.State
    changed: int
    restored: int = Field(description="Of those who were changed, by undoing.")
    not_changed: dict[str, int] = Field(description="How many were not changed, by the reason.")
    note: str = Field(description="Why Digest stopped it.")
    created_at: datetime
    begun_at: datetime | None
    finished_at: datetime | None
    undone_at: datetime | None
    undo_until: datetime | None = Field(description="Null: it cannot be undone.")


class BulkGroupOut(BaseModel):
    """Subscribers who change, or who do not for one reason."""

    reason: str = Field(description="Completes “subscribers who”; blank: they change.")
    count: CountOut
    examples: list[str] = Field(description="Up to three addresses.")


class BulkPreviewOut(BaseModel):
    """What a change would do now."""

    description: str
    selected: int
    changing: BulkGroupOut
    not_changing: list[BulkGroupOut]
    warning: str
    can_undo: bool = Field(description="Within seven days.")


@router.read("/bulk-changes", Scope.SUBSCRIBERS_READ, returns=Page[BulkChangeOut])
def list_bulk_changes(request: HttpRequest, query: Query[BulkChangeQuery]) -> Any:
    """List changes to many subscribers, the newest first; those not begun within a day are gone."""
    rows = of_publication(_rows(caller_of(request)), query.publication)
    if query.state:
        rows = rows.filter(state=query.state)
    return paginate(rows, query, "bulk-changes", _serialize, newest_first=True)


@router.create("/bulk-changes", *_SCOPES, returns=BulkChangeOut)
@idempotent
def create_bulk_change(request: HttpRequest, payload: BulkChangeIn) -> Any:
    """Prepare a change; nobody is changed before it is applied.

    Who is selected now stays selected. `invite` needs the scope `issues:send`, and `erase`
    `subscribers:erase`.
    """
    caller = caller_of(request)
    _require_scope_of(caller, payload.kind)
    publication = get_publication(caller, payload.publication)
    selection = _selection(caller, publication, payload)
    row = prepare(
        publication,
        selection,
        payload.kind,
        _texts(payload),
        user=caller.token.owner,
        now=clock.now(),
    )
    return Status(201, _serialize(row))


@router.read("/bulk-changes/{change_id}", Scope.SUBSCRIBERS_READ, returns=BulkChangeOut)
def show_bulk_change(request: HttpRequest, change_id: Id) -> Any:
    """Show a change, and how far it is."""
    return _serialize(_get(request, change_id))


@router.read("/bulk-changes/{change_id}/preview", Scope.SUBSCRIBERS_READ, returns=BulkPreviewOut)
def preview_bulk_change(request: HttpRequest, change_id: Id) -> Any:
    """Say what a change would do now; 409 if it has begun. Of many subscribers, it says "about"."""
    row = _get(request, change_id)
    if row.state != BulkChange.State.DRAFT:
        raise BulkError("This change has begun already.")
    preview, action = previewing.preview(row), action_of(row)
    return {
        "description": action.describe(row),
        "selected": row.selected,
        "changing": _serialize_group(preview.changing),
        "not_changing": [_serialize_group(group) for group in preview.refused],
        "warning": action.warning,
        "can_undo": action.can_undo,
    }


@router.run("/bulk-changes/{change_id}/apply", *_SCOPES, returns=BulkChangeOut)
@idempotent
def apply_bulk_change(request: HttpRequest, change_id: Id, payload: ApplyIn) -> Any:
    """Begin a change; up to 1,000 subscribers are changed at once, more by a job.

    It changes those who fit when their turn comes, by the rule of the preview.
    """
    row = _get(request, change_id)
    action = action_of(row)
    _require_scope_of(caller_of(request), Kind(row.kind))
    if payload.description not in {None, action.describe(row)}:
        raise BulkError("This change was prepared differently meanwhile. Look at it again.")
    running.begin(row, clock.now(), entered=str(payload.selected or ""))
    return _reloaded(row)


@router.run("/bulk-changes/{change_id}/stop", *_SCOPES, returns=BulkChangeOut)
def stop_bulk_change(request: HttpRequest, change_id: Id) -> Any:
    """Stop a change; what is changed stays so until it is undone."""
    row = _get(request, change_id)
    running.stop(row, clock.now())
    return _reloaded(row)


@router.run("/bulk-changes/{change_id}/undo", *_SCOPES, returns=BulkChangeOut)
@idempotent
def undo_bulk_change(request: HttpRequest, change_id: Id) -> Any:
    """Give those who changed back what they had, unless it was changed again since."""
    row = _get(request, change_id)
    running.undo(row, clock.now())
    return _reloaded(row)


@router.remove("/bulk-changes/{change_id}", Scope.SUBSCRIBERS_READ, Scope.SUBSCRIBERS_WRITE)
def delete_bulk_change(request: HttpRequest, change_id: Id) -> Any:
    """Delete a change that has not begun; 409 otherwise."""
    running.discard(_get(request, change_id))
    return Status(204, None)


def _selection(caller: Caller, publication: Publication, payload: BulkChangeIn) -> Selection:
    choices = [payload.segment, payload.rules, payload.subscribers]
    if sum(value is not None for value in choices) != 1:
        raise ProblemError(422, "Give one of segment, rules and subscribers.")
    now = clock.now()
    if payload.rules is not None:
        return Selection.of_rules(publication, payload.rules, now)
    if payload.subscribers is not None:
        return Selection.of_ids(payload.subscribers)
    segment = find_segment(caller, payload.segment)
    if segment is None or segment.publication_id != publication.pk:
        raise ProblemError(422, f"Choose a segment of {publication.name}.")
    return Selection.of_segment(segment, now)


def _texts(payload: BulkChangeIn) -> dict[str, str]:
    """Return the fields that actions read, as forms send them."""
    value = payload.value
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return {
        "tag": payload.tag,
        "attribute": payload.attribute,
        "value": "" if value is None else str(value),
        "newsletter": payload.newsletter or "",
        "until": payload.until.isoformat() if payload.until else "",
    }


def _require_scope_of(caller: Caller, kind: Kind) -> None:
    if scope := _FURTHER_SCOPES.get(kind):
        caller.require_scopes(scope)


def _rows(caller: Caller) -> QuerySet[BulkChange]:
    return caller.scope.filter(BulkChange.objects.select_related("publication"))


def _get(request: HttpRequest, change_id: int) -> BulkChange:
    row: BulkChange = get_object_or_404(_rows(caller_of(request)), pk=change_id)
    return row


def _reloaded(row: BulkChange) -> dict[str, Any]:
    row.refresh_from_db()
    return _serialize(row)


_FIELDS = (
    *("id", "kind", "selection", "selected", "state", "changed", "restored", "note"),
    *("created_at", "begun_at", "finished_at", "undone_at"),
)


def _serialize(row: BulkChange) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _FIELDS}
    return values | {
        "publication": row.publication.slug,
        "description": action_of(row).describe(row) if row.kind else "",
        "not_changed": row.reasons,
        "undo_until": running.undo_until(row) if running.can_undo(row, clock.now()) else None,
    }


def _serialize_group(group: previewing.Group) -> dict[str, Any]:
    return {
        "reason": group.reason,
        "count": serialize_count(group.count),
        "examples": list(group.examples),
    }
