"""Bounces and complaints, newest first."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from ninja import Query
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of
from digest.api.paging import Page, PageQuery, paginate
from digest.api.routing import Operations
from digest.api.schemas import Id
from digest.bounces.models import Bounce
from digest.bounces.reading.reasons import Reason

router = Operations(tags=["bounces"])

Domain = Annotated[str, Field(max_length=253, pattern=r"^[^\s\x00-\x1f]*$")]


class BounceQuery(PageQuery):
    """Which bounces."""

    issue: Id | None = None
    domain: Domain = Field("", description="Of the subscribers' addresses.")
    reason: Reason | None = Field(None, description="By Sisimai's names.")
    consequence: Literal["hard", "soft", "sender", "complaint"] | None = None


class BounceOut(BaseModel):
    """That an issue came back from a subscriber, or was complained about."""

    id: int
    subscriber: int
    email: str
    issue: int | None = Field(description="Null: the report does not say which.")
    consequence: str = Field(
        description="hard and complaint suppress at once; soft counts; sender is our own fault."
    )
    reason: str
    source: str = Field(description="smtp: while sending; report: by mail; provider.")
    status: str = Field(description="Enhanced status code (RFC 3463), or empty.")
    code: int | None
    text: str = Field(description="The server's reply. Anybody may have written it.")
    reporter: str
    suppressed: bool = Field(description="It led to a suppression.")
    at: datetime


@router.read("/bounces", Scope.SUPPRESSION_READ, returns=Page[BounceOut])
def list_bounces(request: HttpRequest, query: Query[BounceQuery]) -> Any:
    """List bounces and complaints, newest first."""
    rows = _bounces_of(caller_of(request))
    if query.issue is not None:
        rows = rows.filter(issue=query.issue)
    if query.domain:
        rows = rows.filter(domain=query.domain.lower())
    if query.reason:
        rows = rows.filter(reason=query.reason)
    if query.consequence:
        rows = rows.filter(consequence=query.consequence)
    return paginate(rows, query, "bounces", _serialize, newest_first=True)


def _bounces_of(caller: Caller) -> QuerySet[Bounce]:
    """Return the bounces of the caller's issues; those of unknown issues for all publications."""
    own = Q(issue__in=caller.scope.issues())
    rows = Bounce.objects.select_related("subscriber")
    return rows if caller.scope.is_everything else rows.filter(own)


def _serialize(row: Bounce) -> dict[str, Any]:
    names = ("consequence", "reason", "source", "status", "code", "text", "reporter")
    return {name: getattr(row, name) for name in (*names, "suppressed", "at")} | {
        "id": row.pk,
        "subscriber": row.subscriber_id,
        "email": row.subscriber.email,
        "issue": row.issue_id,
    }
