"""Appeals and sponsors: list, create, change, delete."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of
from digest.api.idempotency import idempotent
from digest.api.lookup import find_segment, get_newsletter, get_publication
from digest.api.paging import Page, PageQuery, paginate
from digest.api.routing import Operations
from digest.api.schemas import Id, Line, Moment, Number, Payload, Slug, Switch, Text, Url
from digest.core import clock
from digest.issues import messages
from digest.newsletters import appeals, contributions
from digest.newsletters.models import Appeal

router = Operations(tags=["appeals"])

Slugs = Annotated[
    list[Slug], Field(max_length=100, description="Newsletters that may show it. Empty: all.")
]


class AppealPatch(Payload):
    """Changes to an appeal or sponsor. Absent fields stay as they are."""

    name: Line | None = None
    label: Line | None = None
    heading: Line | None = None
    body: Text | None = None
    button: Line | None = None
    url: Url | None = None
    style: Appeal.Style | None = None
    picture: UUID | None = None
    picture_dark: UUID | None = None
    picture_alt: Line | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    paused: Switch | None = None
    priority: Number | None = None
    weight: Number | None = None
    cap: Number | None = None
    cap_days: Number | None = None
    segment: Annotated[
        Id | None, Field(description="Only for subscribers of this segment. Null: for everyone.")
    ] = None
    newsletters: Slugs | None = None


class AppealIn(AppealPatch):
    """A new appeal or sponsor."""

    publication: Slug
    kind: Appeal.Kind = Appeal.Kind.APPEAL
    url: Url


class AppealOut(BaseModel):
    """An appeal or sponsor, and its state now."""

    id: int
    publication: str
    kind: str
    state: str
    name: str
    label: str
    heading: str
    body: str
    button: str
    url: str
    style: str
    picture: UUID | None
    picture_dark: UUID | None
    picture_alt: str
    starts_at: datetime
    ends_at: datetime | None
    paused: bool
    priority: int
    weight: int
    cap: int | None
    cap_days: int | None
    segment: int | None
    newsletters: list[str]


@router.read("/appeals", Scope.NEWSLETTERS_READ, returns=Page[AppealOut])
def list_appeals(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """List appeals and sponsors, without those in the archive."""
    rows = _rows(caller_of(request)).filter(archived_at=None)
    return paginate(rows.prefetch_related("newsletters"), query, "appeals", _serialize)


@router.create("/appeals", Scope.NEWSLETTERS_WRITE, returns=AppealOut)
@idempotent
def create_appeal(request: HttpRequest, payload: AppealIn) -> Any:
    """Create an appeal or a sponsor."""
    caller = caller_of(request)
    publication = get_publication(caller, payload.publication)
    with transaction.atomic():
        row = appeals.create(publication, now=clock.now(), **_values(caller, payload))
        contributions.note(caller.token.owner, row)
    return Status(201, _serialize(row))


@router.change("/appeals/{appeal_id}", Scope.NEWSLETTERS_WRITE, returns=AppealOut)
def change_appeal(request: HttpRequest, appeal_id: Id, payload: AppealPatch) -> Any:
    """Change an appeal or a sponsor. null removes the end, the cap or a picture."""
    caller = caller_of(request)
    row = get_object_or_404(_rows(caller), pk=appeal_id)
    with contributions.noted(caller.token.owner, row):
        appeals.change(row, now=clock.now(), **_values(caller, payload))
    return _serialize(row)


@router.remove("/appeals/{appeal_id}", Scope.NEWSLETTERS_WRITE)
def delete_appeal(request: HttpRequest, appeal_id: Id) -> Any:
    """Delete an appeal or a sponsor; one that ran is archived, with its numbers.

    Issues that are still to go out lose it.
    """
    caller = caller_of(request)
    row = get_object_or_404(_rows(caller), pk=appeal_id)
    with transaction.atomic():
        messages.retire(row, clock.now())
        contributions.note(caller.token.owner, row.publication)
    return Status(204, None)


def _rows(caller: Caller) -> QuerySet[Appeal]:
    rows = Appeal.objects.filter(publication__in=caller.scope.publications())
    return rows.select_related("publication")


_NULLABLE = frozenset(["ends_at", "cap", "cap_days", "picture", "picture_dark", "segment"])


def _values(caller: Caller, payload: AppealPatch) -> dict[str, Any]:
    values = payload.model_dump(exclude={"publication"}, exclude_unset=True)
    values = {name: v for name, v in values.items() if v is not None or name in _NULLABLE}
    if isinstance(payload, AppealIn):
        values["kind"] = payload.kind
    if "segment" in values:
        values["segment"] = find_segment(caller, values["segment"])
    if "newsletters" in values:
        values["newsletters"] = [get_newsletter(caller, slug) for slug in values["newsletters"]]
    return values


def _serialize(row: Appeal) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("id", *appeals.FIELDS)} | {
        "publication": row.publication.slug,
        "segment": row.segment_id,
        "state": row.state_at(clock.now()).value,
        "newsletters": sorted(newsletter.slug for newsletter in row.newsletters.all()),
    }
