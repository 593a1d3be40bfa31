"""An issue's deliveries, page by page, at any size (digest.sending.history)."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from digest.api.paging import Asked
from digest.api.problems import ProblemError
from digest.issues.models import Issue
from digest.relays.models import Dispatch
from digest.sending import history
from digest.sending.models import AnyDelivery

State = Literal[
    "queued", "claimed", "deferred", "sent", "failed", "suppressed", "cancelled", "uncertain"
]


class DeliveryAsked(Asked):
    """Which deliveries."""

    state: State | None = None


class DeliveryFacts(BaseModel):
    """What happened to one subscriber's mail."""

    id: int
    subscriber: int | None = Field(description="null: the subscriber was erased")
    email: str | None
    state: str
    at: datetime = Field(description="when it was settled, or is due")
    attempts: int
    reply_code: int | None
    reply: str = Field(description="the server's words, or why it was not sent")


def deliveries(issue: Issue, asked: DeliveryAsked) -> dict[str, Any]:
    """Return a page of an issue's deliveries."""
    state = Dispatch.State[asked.state.upper()] if asked.state else None
    try:
        page = history.of_issue(issue, state, asked.cursor, asked.limit)
    except history.PlaceError as problem:
        raise ProblemError(422, "This is no cursor of this list.") from problem
    return {"items": [_facts(one) for one in page.rows], "next": page.next or None}


def _facts(one: AnyDelivery) -> dict[str, Any]:
    names = ("id", "at", "attempts", "reply_code", "reply")
    return {name: getattr(one, name) for name in names} | {
        "subscriber": one.subscriber_id,
        "email": one.subscriber.email if one.subscriber else None,
        "state": Dispatch.State(one.state).name.lower(),
    }
