"""Deliveries of any age, page by page, of an issue or a subscriber.

An issue's deliveries come in three parts, each in an order that an index holds, so that a page
takes as long at 20 million rows as at a thousand: current ones by subscriber, current ones whose
subscriber was erased, past ones. Rows that are archived while somebody pages through may appear
twice.
"""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from digest.core.errors import DigestError
from digest.issues.models import Issue
from digest.relays.models import Dispatch
from digest.sending.models import AnyDelivery
from digest.subscribers.models import Subscriber

_PARTS = {
    "subscriber": (Q(archived=False, subscriber__isnull=False), "subscriber_id"),
    "erased": (Q(archived=False, subscriber__isnull=True), "id"),
    "past": (Q(archived=True), "id"),
}


class PlaceError(DigestError):
    """A text does not name a place in a list of deliveries."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of an issue's deliveries; `next` is the place to go on from, empty at the end."""

    rows: list[AnyDelivery]
    next: str


def of_subscriber(subscriber: Subscriber) -> QuerySet[AnyDelivery]:
    """Return the deliveries to a subscriber with their issues, the newest first."""
    deliveries = AnyDelivery.objects.filter(subscriber=subscriber)
    return deliveries.select_related("issue__newsletter").order_by("-id")


def of_issue(
    issue: Issue, state: Dispatch.State | None = None, after: str = "", size: int = 50
) -> Page:
    """Return at most `size` of an issue's deliveries with their subscribers, those after a place.

    Raises PlaceError for a place that no page has returned.
    """
    begin, last = _read(after)
    rows: list[AnyDelivery] = []
    names = list(_PARTS)
    for name in names[names.index(begin) :]:
        part, order = _PARTS[name]
        deliveries = AnyDelivery.objects.filter(part, issue=issue, **{f"{order}__gt": last})
        if state is not None:
            deliveries = deliveries.filter(state=state)
        # Subscribers are fetched afterwards: a join would walk them from the first one on.
        page = deliveries.order_by(order)[: size + 1 - len(rows)]
        rows += page.prefetch_related("subscriber")
        if len(rows) > size:
            return Page(rows[:size], _place(rows[size - 1]))
        last = 0
    return Page(rows, "")


def _place(row: AnyDelivery) -> str:
    if row.archived:
        return f"past-{row.pk}"
    return f"subscriber-{row.subscriber_id}" if row.subscriber_id else f"erased-{row.pk}"


def _read(place: str) -> tuple[str, int]:
    name, _, number = (place or "subscriber-0").partition("-")
    if name not in _PARTS or not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise PlaceError(f"{place!r} is not a place in a list of deliveries.")
    return name, int(number)
