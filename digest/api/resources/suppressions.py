"""Suppressions: addresses that must not be mailed, by one newsletter or by all."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.audit_trail import record_reason
from digest.api.authentication import caller_of
from digest.api.idempotency import idempotent
from digest.api.lookup import NewsletterQuery, find_newsletter, of_newsletter
from digest.api.paging import Page, paginate
from digest.api.problems import ProblemError
from digest.api.routing import Operations
from digest.api.schemas import Email, Id, Line, Payload, Slug, Text
from digest.core import addresses, clock
from digest.subscribers import suppression
from digest.subscribers.hashing import PREFIX
from digest.subscribers.models import Suppression

router = Operations(tags=["suppressions"])


class SuppressionIn(Payload):
    """An address that must not be mailed, and why."""

    email: Email
    newsletter: Slug | None = Field(None, description="Null: no newsletter may mail it.")
    reason: Annotated[Line, Field(min_length=1, max_length=64)]
    evidence: Text = ""


class SuppressionQuery(NewsletterQuery):
    """Which suppressions."""

    email: Email | None = None


class LiftQuery(BaseModel):
    """Why a suppression is lifted."""

    reason: Annotated[Line, Field(min_length=1, max_length=200, description="For the audit log.")]


class SuppressionOut(BaseModel):
    """A suppression."""

    id: int
    email: str | None = Field(
        description="Null if the subscriber was erased; then only a hash is stored."
    )
    newsletter: str | None = Field(description="Null: every newsletter.")
    reason: str
    evidence: str
    created_at: datetime


@router.read("/suppressions", Scope.SUPPRESSION_READ, returns=Page[SuppressionOut])
def list_suppressions(request: HttpRequest, query: Query[SuppressionQuery]) -> Any:
    """List suppressions."""
    caller = caller_of(request)
    suppressions = of_newsletter(caller, caller.scope.suppressions(), query.newsletter)
    if query.email:
        suppressions = suppressions.filter(address_key=addresses.parse(query.email).key)
    return paginate(suppressions, query, "suppressions", _serialize)


@router.create(
    "/suppressions", Scope.SUPPRESSION_WRITE, returns=SuppressionOut, also={200: SuppressionOut}
)
@idempotent
def create_suppression(request: HttpRequest, payload: SuppressionIn) -> Any:
    """Suppress an address: 201. If it is suppressed already, its reason stays: 200."""
    caller, now = caller_of(request), clock.now()
    if payload.newsletter is None:
        caller.require_every_publication("A suppression without a newsletter")
    suppression.require_reason(payload.reason)
    newsletter = find_newsletter(caller, payload.newsletter)
    key = addresses.parse(payload.email).key
    is_new = suppression.suppress(
        key, reason=payload.reason, evidence=payload.evidence, newsletter=newsletter, now=now
    )
    row = Suppression.objects.get(address_key=key, newsletter=newsletter)
    return Status(201 if is_new else 200, _serialize(row))


@router.remove("/suppressions/{suppression_id}", Scope.SUPPRESSION_WRITE)
def lift_suppression(request: HttpRequest, suppression_id: Id, query: Query[LiftQuery]) -> Any:
    """Lift a suppression, with a reason.

    That of an erased subscriber is lifted only by a new sign-up (409).
    """
    row = get_object_or_404(caller_of(request).scope.suppressions(), pk=suppression_id)
    if row.reason == suppression.ERASED or row.address_key.startswith(PREFIX):
        raise ProblemError(
            409, "The subscriber was erased. Only a new sign-up lifts this suppression."
        )
    row.delete()  # alone: another row may be that of a subscriber who was erased
    record_reason(request, query.reason)
    return Status(204, None)


def _serialize(row: Suppression) -> dict[str, Any]:
    return {
        "id": row.pk,
        "email": None if row.address_key.startswith(PREFIX) else row.address_key,
        "newsletter": row.newsletter.slug if row.newsletter else None,
        "reason": row.reason,
        "evidence": row.evidence,
        "created_at": row.created_at,
    }
