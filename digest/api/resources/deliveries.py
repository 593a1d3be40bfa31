"""An edition's deliveries, page by page, at any size.

Pages go by reader within the edition, which an index holds. Deliveries of readers who were erased
bear no reader; they come last, by their own ids.
"""

from datetime import datetime
from typing import Any, Literal

from django.db.models import Q
from pydantic import BaseModel, Field

from digest.api.paging import Asked, cursor, read
from digest.delivery.models import Delivery
from digest.editions.models import Edition

State = Literal[
    "queued", "claimed", "deferred", "sent", "failed", "suppressed", "cancelled", "in_doubt"
]


class DeliveryAsked(Asked):
    """Which deliveries."""

    state: State | None = None


class DeliveryFacts(BaseModel):
    """What happened to one reader's mail."""

    id: int
    subscriber: int | None = Field(description="null: the reader was erased")
    email: str | None
    state: str
    due_at: datetime
    attempts: int
    settled_at: datetime | None
    reply_code: int | None
    reply: str = Field(description="the server's words, or why it was not sent")


def deliveries(edition: Edition, asked: DeliveryAsked) -> dict[str, Any]:
    """Return a page of an edition's deliveries."""
    wanted = Q(edition=edition)
    if asked.state:
        wanted &= Q(state=Delivery.State[asked.state.upper()])
    name = f"deliveries {edition.pk} {asked.state or ''}"
    reader, nameless = (*read(name, asked.cursor), 0, 0)[:2]
    rows = [] if nameless else _of_readers(wanted, reader, asked.limit + 1)
    if len(rows) <= asked.limit:
        rows += _nameless(wanted, nameless, asked.limit + 1 - len(rows))
    items = rows[: asked.limit]
    more = len(rows) > asked.limit
    return {
        "items": [_facts(one) for one in items],
        "next": cursor(name, *_place(items[-1])) if more else None,
    }


def _of_readers(wanted: Q, after: int, most: int) -> list[Delivery]:
    rows = Delivery.objects.filter(wanted, subscriber__gt=after).select_related("subscriber")
    return list(rows.order_by("subscriber_id")[:most])


def _nameless(wanted: Q, after: int, most: int) -> list[Delivery]:
    rows = Delivery.objects.filter(wanted, subscriber__isnull=True, pk__gt=after)
    return list(rows.order_by("pk")[:most])


def _place(last: Delivery) -> tuple[int, int]:
    return (last.subscriber_id, 0) if last.subscriber_id else (0, last.pk)


def _facts(one: Delivery) -> dict[str, Any]:
    names = ("id", "due_at", "attempts", "settled_at", "reply_code", "reply")
    return {name: getattr(one, name) for name in names} | {
        "subscriber": one.subscriber_id,
        "email": one.subscriber.email if one.subscriber else None,
        "state": Delivery.State(one.state).name.lower(),
    }
