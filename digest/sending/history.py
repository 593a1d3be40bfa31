"""Who got what: deliveries of any age, wherever their rows are now.

An issue's deliveries come in three parts, each in an order that an index holds, so that a page
takes as long at 20 million rows as at a thousand: current ones by subscriber, current ones whose
subscriber was erased, those put away. Rows that are put away while somebody turns pages may be
shown twice.
"""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from digest.core.errors import DigestError
from digest.issues.models import Issue
from digest.relays.models import Dispatch
from digest.sending.models import AnyDelivery
from digest.subscribers.models import Subscriber

_PARTS = {
    "subscriber": (Q(put_away=False, subscriber__isnull=False), "subscriber_id"),
    "erased": (Q(put_away=False, subscriber__isnull=True), "id"),
    "past": (Q(put_away=True), "id"),
}


class PlaceError(DigestError):
    """What was named is no place in a list of deliveries."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of an issue's deliveries; `next` is the place to go on from, empty at the end."""

    rows: list[AnyDelivery]
    next: str


def of_subscriber(subscriber: Subscriber) -> QuerySet[AnyDelivery]:
    """Return the deliveries to a subscriber with their issues, the newest first."""
    theirs = AnyDelivery.objects.filter(subscriber=subscriber)
    return theirs.select_related("issue__newsletter").order_by("-id")


def of_issue(
    issue: Issue, state: Dispatch.State | None = None, after: str = "", size: int = 50
) -> Page:
    """Return at most `size` of an issue's deliveries with their subscribers, those behind a place.

    Raises PlaceError for a place that no page named.
    """
    begin, last = _read(after)
    rows: list[AnyDelivery] = []
    names = list(_PARTS)
    for name in names[names.index(begin) :]:
        part, order = _PARTS[name]
        wanted = AnyDelivery.objects.filter(part, issue=issue, **{f"{order}__gt": last})
        if state is not None:
            wanted = wanted.filter(state=state)
        # Subscribers come after: joined, they would be walked from the first one on.
        page = wanted.order_by(order)[: size + 1 - len(rows)]
        rows += page.prefetch_related("subscriber")
        if len(rows) > size:
            return Page(rows[:size], _place(rows[size - 1]))
        last = 0
    return Page(rows, "")


def _place(row: AnyDelivery) -> str:
    if row.put_away:
        return f"past-{row.pk}"
    return f"subscriber-{row.subscriber_id}" if row.subscriber_id else f"erased-{row.pk}"


def _read(place: str) -> tuple[str, int]:
    name, _, number = (place or "subscriber-0").partition("-")
    if name not in _PARTS or not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise PlaceError(f"{place!r} is no place in a list of deliveries.")
    return name, int(number)
