"""Segments: rules over subscribers, how many there are, and who they are."""

from datetime import datetime
from typing import Annotated, Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of
from digest.api.idempotency import idempotent
from digest.api.lookup import PublicationQuery, get_publication, of_publication
from digest.api.paging import Page, PageQuery, paginate
from digest.api.problems import ProblemError
from digest.api.routing import Operations
from digest.api.schemas import Id, Line, Payload, Slug
from digest.core import clock
from digest.core.database.limits import within
from digest.newsletters import contributions
from digest.newsletters.audiences.models import Segment
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import counting, saving, wording
from digest.subscribers.segments.conditions import members
from digest.subscribers.segments.fields import catalog_of

router = Operations(tags=["segments"])

PATIENCE = 10_000  # milliseconds for a page of subscribers

Name = Annotated[Line, Field(min_length=1, max_length=100)]
Rules = Annotated[
    dict[str, Any],
    Field(
        description='`{"match": "all" or "any", "rules": […]}`. A rule is `{"field": "tag", '
        '"operator": "is", "value": "vip"}`, or such a group again. Fields: newsletter, state, '
        "joined, source, topic, cadence, tag, attribute.<key>, email, clicked."
    ),
]


class SegmentPatch(Payload):
    """Changes to a segment, wherever it is used. Absent fields stay as they are."""

    name: Name | None = None
    rules: Rules | None = None


class SegmentIn(Payload):
    """A new segment."""

    publication: Slug
    name: Name
    rules: Rules


class RulesIn(Payload):
    """Rules to try."""

    publication: Slug
    rules: Rules


class SegmentOut(BaseModel):
    """A segment."""

    id: int
    publication: str
    name: str
    description: str = Field(description="The rules in words.")
    rules: dict[str, Any]
    created_at: datetime
    changed_at: datetime


class CountOut(BaseModel):
    """How many subscribers."""

    number: int
    exact: bool = Field(description="False: estimated from a sample of subscribers.")
    at_most: bool = Field(description="True: there are fewer than the number.")


class MemberOut(BaseModel):
    """A subscriber of a segment."""

    id: int
    email: str


class RulesPreviewOut(BaseModel):
    """Whom rules select now."""

    description: str
    count: CountOut
    subscribers: list[MemberOut] = Field(description="The first 20.")


@router.read("/segments", Scope.SUBSCRIBERS_READ, returns=Page[SegmentOut])
def list_segments(request: HttpRequest, query: Query[PublicationQuery]) -> Any:
    """List segments."""
    rows = of_publication(_rows(caller_of(request)), query.publication)
    return paginate(rows, query, "segments", _serialize)


@router.run("/segments/try", Scope.SUBSCRIBERS_READ, returns=RulesPreviewOut)
def try_rules(request: HttpRequest, payload: RulesIn) -> Any:
    """Say whom rules select now: in words, how many, and the first of them. Nothing is saved."""
    publication = get_publication(caller_of(request), payload.publication)
    catalog = catalog_of(publication)
    rules = catalog.read(payload.rules)
    rows, publication_ids = members(catalog, rules, clock.now()), [publication.pk]
    return {
        "description": wording.describe(catalog, rules),
        "count": serialize_count(counting.count(rows, publication_ids)),
        "subscribers": [_serialize_member(row) for row in counting.preview(rows, publication_ids)],
    }


@router.create("/segments", Scope.SUBSCRIBERS_WRITE, returns=SegmentOut)
@idempotent
def create_segment(request: HttpRequest, payload: SegmentIn) -> Any:
    """Create a segment."""
    publication = get_publication(caller_of(request), payload.publication)
    row = saving.create(publication, payload.name, payload.rules, clock.now())
    return Status(201, _serialize(row))


@router.change("/segments/{segment_id}", Scope.SUBSCRIBERS_WRITE, returns=SegmentOut)
def change_segment(request: HttpRequest, segment_id: Id, payload: SegmentPatch) -> Any:
    """Change a segment; 409 for new rules while an issue goes out by the present ones."""
    caller = caller_of(request)
    row = get_object_or_404(_rows(caller), pk=segment_id)
    rules = row.rules if payload.rules is None else payload.rules
    with transaction.atomic():
        if saving.change(row, payload.name or row.name, rules, clock.now()):
            contributions.note(caller.token.owner, row.publication)
    return _serialize(row)


@router.remove("/segments/{segment_id}", Scope.SUBSCRIBERS_WRITE)
def delete_segment(request: HttpRequest, segment_id: Id) -> Any:
    """Delete a segment; 409 while an issue, a block or an appeal needs it."""
    saving.delete(get_object_or_404(_rows(caller_of(request)), pk=segment_id))
    return Status(204, None)


@router.read("/segments/{segment_id}/count", Scope.SUBSCRIBERS_READ, returns=CountOut)
def count_segment(request: HttpRequest, segment_id: Id) -> Any:
    """Count the subscribers of a segment, exactly or "about"; it takes no longer with millions."""
    row = get_object_or_404(_rows(caller_of(request)), pk=segment_id)
    return serialize_count(
        counting.count(saving.members_of(row, clock.now()), [row.publication_id])
    )


@router.read("/segments/{segment_id}/subscribers", Scope.SUBSCRIBERS_READ, returns=Page[MemberOut])
def list_segment_subscribers(request: HttpRequest, segment_id: Id, query: Query[PageQuery]) -> Any:
    """List the subscribers of a segment now; 503 if a page of them takes too long to find."""
    row = get_object_or_404(_rows(caller_of(request)), pk=segment_id)
    rows = saving.members_of(row, clock.now())
    page = within(PATIENCE, lambda: paginate(rows, query, f"segment {row.pk}", _serialize_member))
    if page is None:
        raise ProblemError(503, "This takes too long. Narrow the segment down by another rule.")
    return page


def _rows(caller: Caller) -> QuerySet[Segment]:
    return caller.scope.filter(Segment.objects.select_related("publication"))


def _serialize(row: Segment) -> dict[str, Any]:
    catalog = catalog_of(row.publication)
    values = {name: getattr(row, name) for name in ("id", "name", "rules")}
    return values | {
        "publication": row.publication.slug,
        "description": wording.describe_document(catalog, row.rules),
        "created_at": row.created_at,
        "changed_at": row.changed_at,
    }


def serialize_count(count: counting.Count) -> dict[str, Any]:
    """Return a count as a CountOut."""
    return {"number": count.number, "exact": count.is_exact, "at_most": count.is_limit}


def _serialize_member(row: Subscriber) -> dict[str, Any]:
    return {"id": row.pk, "email": row.email}
