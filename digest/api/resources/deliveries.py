"""The deliveries of an issue, in pages (digest.sending.history)."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from digest.api.paging import WRONG_CURSOR, PageQuery
from digest.api.problems import ProblemError
from digest.issues.models import Issue
from digest.relays.models import Dispatch
from digest.sending import history
from digest.sending.models import AnyDelivery

State = Literal[
    "queued", "claimed", "deferred", "sent", "failed", "suppressed", "cancelled", "uncertain"
]


class DeliveryQuery(PageQuery):
    """Which deliveries."""

    state: State | None = None


class DeliveryOut(BaseModel):
    """The delivery of an issue to delivery subscriber."""

    id: int
    subscriber: int | None = Field(description="Null if the subscriber was erased.")
    email: str | None
    state: str
    at: datetime = Field(description="When it got its final state, or when it is due.")
    attempts: int
    reply_code: int | None
    reply: str = Field(description="The SMTP reply, or why it was not sent.")


def list_page(issue: Issue, query: DeliveryQuery) -> dict[str, Any]:
    """Return a page of an issue's deliveries."""
    state = Dispatch.State[query.state.upper()] if query.state else None
    try:
        page = history.of_issue(issue, state, query.cursor, query.limit)
    except history.PlaceError as problem:
        raise ProblemError(422, WRONG_CURSOR) from problem
    return {"items": [_serialize(delivery) for delivery in page.rows], "next": page.next or None}


def _serialize(delivery: AnyDelivery) -> dict[str, Any]:
    names = ("id", "at", "attempts", "reply_code", "reply")
    return {name: getattr(delivery, name) for name in names} | {
        "subscriber": delivery.subscriber_id,
        "email": delivery.subscriber.email if delivery.subscriber else None,
        "state": Dispatch.State(delivery.state).name.lower(),
    }
