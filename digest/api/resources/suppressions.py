"""Suppressions: addresses that must not be mailed, by one newsletter or by all."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import caller_of, needs
from digest.api.idempotency import doing_once
from digest.api.lookup import find_newsletter
from digest.api.paging import Asked, Page, page
from digest.api.problems import STATUSES, ProblemError
from digest.api.schemas import Email, Id, Line, Slug, Text, Told
from digest.core import addresses, clock
from digest.subscribers import suppression
from digest.subscribers.hashing import PREFIX
from digest.subscribers.models import Suppression

router = Router(tags=["suppression"])


class SuppressionNew(Told):
    """An address that must not be mailed, and why."""

    email: Email
    newsletter: Slug | None = Field(None, description="only by this one; without it, by all")
    reason: Annotated[Line, Field(min_length=1, max_length=64)]
    evidence: Text = ""


class SuppressionAsked(Asked):
    """Which suppressions."""

    newsletter: Slug | None = None
    email: Email | None = None


class SuppressionFacts(BaseModel):
    """A suppression."""

    id: int
    email: str | None = Field(description="null: of an erased subscriber only a hash is kept")
    newsletter: str | None = Field(description="null: every newsletter")
    reason: str
    evidence: str
    since: datetime


@router.get(
    "/suppressions",
    auth=needs(Scope.SUPPRESSION_READ),
    response={200: Page[SuppressionFacts], **STATUSES},
)
def list_suppressions(request: HttpRequest, asked: Query[SuppressionAsked]) -> Any:
    """List suppressions."""
    caller = caller_of(request)
    known = caller.scope.suppressions()
    if newsletter := find_newsletter(caller, asked.newsletter):
        known = known.filter(newsletter=newsletter)
    if asked.email:
        known = known.filter(address_key=addresses.parse(asked.email).key)
    return page(known, asked, "suppressions", _facts)


@router.post(
    "/suppressions",
    auth=needs(Scope.SUPPRESSION_WRITE),
    response={200: SuppressionFacts, 201: SuppressionFacts, **STATUSES},
)
@doing_once
def create_suppression(request: HttpRequest, told: SuppressionNew) -> Any:
    """Stop all mail to an address: 201; 200 if it was stopped before, whose reason stays."""
    caller, now = caller_of(request), clock.now()
    if told.newsletter is None:
        caller.everywhere("A suppression without a newsletter")
    newsletter = find_newsletter(caller, told.newsletter)
    key = addresses.parse(told.email).key
    made = suppression.suppress(
        key, reason=told.reason, evidence=told.evidence, newsletter=newsletter, now=now
    )
    held = Suppression.objects.get(address_key=key, newsletter=newsletter)
    return Status(201 if made else 200, _facts(held))


@router.delete(
    "/suppressions/{number}",
    auth=needs(Scope.SUPPRESSION_WRITE),
    response={204: None, **STATUSES},
)
def lift_suppression(request: HttpRequest, number: Id) -> Any:
    """Take a suppression back; not that of an erased subscriber, which only their own wish does."""
    held = get_object_or_404(caller_of(request).scope.suppressions(), pk=number)
    if held.reason == suppression.ERASED or held.address_key.startswith(PREFIX):
        raise ProblemError(409, "The subscriber was erased; only their own wish brings them back.")
    suppression.lift(held.address_key, newsletter=held.newsletter)
    return Status(204, None)


def _facts(held: Suppression) -> dict[str, Any]:
    return {
        "id": held.pk,
        "email": None if held.address_key.startswith(PREFIX) else held.address_key,
        "newsletter": held.newsletter.slug if held.newsletter else None,
        "reason": held.reason,
        "evidence": held.evidence,
        "since": held.created_at,
    }
