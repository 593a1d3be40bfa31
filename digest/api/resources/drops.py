"""Drops: mail of a newsletter that did far worse at one destination than before."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import caller_of
from digest.api.lookup import NewsletterQuery, find_newsletter
from digest.api.paging import Page, paginate
from digest.api.routing import Operations
from digest.bounces.drops.detecting import summary_of
from digest.bounces.models import Drop
from digest.reputation.recipients.providers import name_of

router = Operations(tags=["deliverability"])


class DropQuery(NewsletterQuery):
    """Which drops."""

    open: bool | None = Field(None, description="True: those that are not over. False: the others.")


class DropOut(BaseModel):
    """A drop; shares are from 0 to 1."""

    id: int
    newsletter: str
    issue: int = Field(description="The first issue that did worse.")
    destination: str = Field(description="A provider's key, or a domain.")
    name: str = Field(description="The provider's name, or the domain.")
    kind: Literal["delivery", "complaints", "clicks"]
    mails: int = Field(description="Of the issue, to this destination.")
    share: float = Field(description="Refused or deferred, complaints, or people who clicked.")
    usual_share: float = Field(description="The average of the issues before.")
    summary: str = Field(description="The same in a sentence, in English.")
    noticed_at: datetime
    ended_at: datetime | None = Field(description="Null: it is not over.")


@router.read("/drops", Scope.STATISTICS_READ, returns=Page[DropOut])
def list_drops(request: HttpRequest, query: Query[DropQuery]) -> Any:
    """List drops, newest first."""
    caller = caller_of(request)
    rows = caller.scope.filter(Drop.objects.all(), "newsletter__publication")
    if newsletter := find_newsletter(caller, query.newsletter):
        rows = rows.filter(newsletter=newsletter)
    if query.open is not None:
        rows = rows.filter(ended_at__isnull=query.open)
    related = rows.select_related("newsletter")
    return paginate(related, query, "drops", _serialize, newest_first=True)


def _serialize(row: Drop) -> dict[str, Any]:
    names = ("destination", "kind", "mails", "share", "usual_share", "noticed_at", "ended_at")
    return {name: getattr(row, name) for name in names} | {
        "id": row.pk,
        "newsletter": row.newsletter.slug,
        "issue": row.issue_id,
        "name": name_of(row.destination),
        "summary": summary_of(row),
    }
