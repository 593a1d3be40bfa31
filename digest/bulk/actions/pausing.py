"""Send nothing of the publication to many subscribers until a day."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from digest.bulk.actions.base import Action, Sorting, Values
from digest.bulk.errors import InvalidChangeError
from digest.bulk.models import BulkChange, BulkChunk
from digest.core import clock
from digest.newsletters.models import Publication
from digest.subscribers.models import Subscription

LONGEST = timedelta(days=731)


class Pause(Action):
    """Pause; a pause that lasts longer already stays."""

    def read(self, publication: Publication, data: Mapping[str, str]) -> Values:
        zone = clock.zone(publication.timezone)
        try:
            day = date.fromisoformat(data.get("until", "").strip())
        except ValueError as problem:
            raise InvalidChangeError("Enter the day until which nothing is sent.") from problem
        today = clock.now().astimezone(zone).date()
        if not today < day <= today + LONGEST:
            raise InvalidChangeError("Enter a day from tomorrow to two years from now.")
        return {"until": datetime.combine(day, time(), zone).astimezone(UTC).isoformat()}

    def describe(self, change: BulkChange) -> str:
        zone = clock.zone(change.publication.timezone)
        return f"Pause until {clock.format_moment(_midnight(change), zone)}"

    def sort(self, change: BulkChange, ids: Collection[int], *, locks: bool = False) -> Sorting:
        sorting, rows = Sorting(), _active(change, ids)
        if locks:
            rows = rows.select_for_update().order_by("pk")
        subscriptions = defaultdict[int, list[Subscription]](list)
        for row in rows:
            subscriptions[row.subscriber_id].append(row)
        for subscriber_id in ids:
            shorter = [
                row
                for row in subscriptions[subscriber_id]
                if row.paused_until is None or row.paused_until < _midnight(change)
            ]
            if not subscriptions[subscriber_id]:
                sorting.refuse("have no active subscription", subscriber_id)
            elif not shorter:
                sorting.refuse("are paused for as long, or longer", subscriber_id)
            else:
                sorting.changing[subscriber_id] = {
                    str(row.pk): row.paused_until.isoformat() if row.paused_until else None
                    for row in shorter
                }
        return sorting

    def apply(self, change: BulkChange, ids: Collection[int], now: datetime) -> None:  # noqa: ARG002
        shorter = Q(paused_until=None) | Q(paused_until__lt=_midnight(change))
        _active(change, ids).filter(shorter).update(paused_until=_until(change))

    def undo(self, chunk: BulkChunk, before: Mapping[int, Any], now: datetime) -> int:  # noqa: ARG002
        paused = _active(chunk.change, before).filter(paused_until=_until(chunk.change))
        rows = {str(row.pk): row for row in paused.select_for_update().order_by("pk")}
        restored = []
        for pauses in before.values():
            for pk, earlier in pauses.items():
                if row := rows.get(pk):
                    row.paused_until = datetime.fromisoformat(earlier) if earlier else None
                    restored.append(row)
        Subscription.objects.bulk_update(restored, ["paused_until"])
        return len({row.subscriber_id for row in restored})


def _active(change: BulkChange, ids: Collection[int]) -> QuerySet[Subscription]:
    return Subscription.objects.filter(
        subscriber__in=ids,
        newsletter__publication=change.publication_id,
        state=Subscription.State.ACTIVE,
    )


def _until(change: BulkChange) -> datetime:
    """Return the end of the pause, a moment that nobody else's pause until the same day has.

    So undoing tells this pause from the one that a subscriber or another change has set since.
    """
    return _midnight(change) + timedelta(microseconds=1 + change.pk % 999)


def _midnight(change: BulkChange) -> datetime:
    return datetime.fromisoformat(change.values["until"])
