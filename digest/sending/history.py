"""Deliveries of any age, page by page, of an issue or a subscriber.

An issue's deliveries come in four parts, each in an order that an index holds, so that a page
takes as long at 20 million rows as at a thousand: those that were not tried yet, the others by
subscriber, those whose subscriber was erased, past ones. What is sent or archived while somebody
pages through may appear twice.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from django.db.models import Q, QuerySet, prefetch_related_objects

from digest.core.errors import DigestError
from digest.issues.models import Issue
from digest.relays.models import Dispatch
from digest.sending.chunks import Members
from digest.sending.models import AnyDelivery, Chunk
from digest.subscribers.models import Subscriber

_PARTS = {
    "waiting": (Q(waiting=True), "id"),
    "subscriber": (Q(archived=False, waiting=False, subscriber__isnull=False), "subscriber_id"),
    "erased": (Q(archived=False, waiting=False, subscriber__isnull=True), "id"),
    "past": (Q(archived=True), "id"),
}
_HAS_NO_FENCE = {Dispatch.State.QUEUED: True, Dispatch.State.CLAIMED: False}


class PlaceError(DigestError):
    """A text does not name a place in a list of deliveries."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of an issue's deliveries; `next` is the place to go on from, empty at the end."""

    rows: list[AnyDelivery]
    next: str


def of_subscriber(subscriber: Subscriber) -> QuerySet[AnyDelivery]:
    """Return the deliveries to a subscriber with their issues, the newest first."""
    # From issue to issue: the index of what was sent begins with them.
    issues = Issue.objects.all()
    deliveries = AnyDelivery.objects.filter(subscriber=subscriber, issue__in=issues)
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
        rows += _read_part(name, issue, state, last, size + 1 - len(rows))
        if len(rows) > size:
            return Page(rows[:size], _place(rows[size - 1]))
        last = 0
    return Page(rows, "")


def _read_part(
    name: str, issue: Issue, state: Dispatch.State | None, last: int, most: int
) -> list[AnyDelivery]:
    if name == "waiting":
        return _read_chunks(issue, state, last, most)
    part, order = _PARTS[name]
    deliveries = AnyDelivery.objects.filter(part, issue=issue, **{f"{order}__gt": last})
    if state is not None:
        deliveries = deliveries.filter(state=state)
    # Subscribers are fetched afterwards: a join would walk them from the first one on.
    return list(deliveries.order_by(order)[:most].prefetch_related("subscriber"))


def _read_chunks(
    issue: Issue, state: Dispatch.State | None, last: int, most: int
) -> list[AnyDelivery]:
    """Return deliveries that were not tried yet, by id: a few chunks hold a page of them.

    The parts of a chunk that was divided may lie between each other, so a delivery is not returned
    before those of all chunks that begin before it.
    """
    if state is not None and state not in _HAS_NO_FENCE:
        return []
    # The ids of a chunk are in one block, so that no earlier chunk has one after `last`.
    chunks = Chunk.objects.filter(issue=issue, first_id__gt=last - Chunk.LARGEST)
    if state is not None:
        chunks = chunks.filter(fence__isnull=_HAS_NO_FENCE[state])
    rows: list[AnyDelivery] = []
    read: list[AnyDelivery] = []  # of chunks that have begun, in order
    for chunk in chunks.order_by("first_id").iterator(chunk_size=4):
        before = bisect_left(read, chunk.first_id, key=attrgetter("id"))
        rows, read = rows + read[:before], read[before:]
        if len(rows) >= most:
            break
        read = sorted([*read, *_of_chunk(chunk, last)], key=attrgetter("id"))
    rows = (rows + read)[:most]
    prefetch_related_objects(rows, "subscriber")
    return rows


def _of_chunk(chunk: Chunk, last: int) -> Iterator[AnyDelivery]:
    """Yield the deliveries of a chunk with ids after `last`."""
    state = Dispatch.State.QUEUED if chunk.fence is None else Dispatch.State.CLAIMED
    for key, subscriber_id in Members.of(chunk).subscriber_ids.items():
        if key <= last:
            continue
        yield AnyDelivery(
            id=key,
            issue_id=chunk.issue_id,
            subscriber_id=subscriber_id,
            archived=False,
            waiting=True,
            at=chunk.due_at,
            state=state,
            attempts=0,
        )


def _place(row: AnyDelivery) -> str:
    if row.waiting:
        return f"waiting-{row.pk}"
    if row.archived:
        return f"past-{row.pk}"
    return f"subscriber-{row.subscriber_id}" if row.subscriber_id else f"erased-{row.pk}"


def _read(place: str) -> tuple[str, int]:
    name, _, number = (place or "waiting-0").partition("-")
    if name not in _PARTS or not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise PlaceError(f"{place!r} is not a place in a list of deliveries.")
    return name, int(number)
