"""How many subscribers joined and left, when and from where, without counting at any size.

Triggers add to it (subscribers/sql): a confirmed or imported subscriber has joined, an unsubscribed
or erased one has left.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from django.db.models import Count, F, Q, Sum

from digest.core.database.differences import merge_differences
from digest.subscribers.models import Cohort, ConsentEvent, Growth

COMPACT_ABOVE = 20  # rows of one day and newsletter


def count_by_day(
    newsletters: Collection[int] | None, days: int, now: datetime
) -> list[tuple[date, int, int]]:
    """Return how many joined and how many left on each of the last days (UTC), including today.

    `newsletters` are ids; None counts all of them.
    """
    first = now.date() - timedelta(days=days - 1)
    rows = Growth.objects.filter(day__gte=first, day__lte=now.date())
    if newsletters is not None:
        rows = rows.filter(newsletter_id__in=newsletters)
    sums = rows.values_list("day").annotate(Sum("joined"), Sum("left"))
    counts = {day: (joined, left) for day, joined, left in sums}
    all_days = [first + timedelta(days=n) for n in range(days)]
    return [(day, *counts.get(day, (0, 0))) for day in all_days]


def list_size(newsletters: Collection[int] | None) -> int:
    """Return how many subscriptions are active; `newsletters` are ids, None for all of them."""
    rows = Growth.objects.all()
    if newsletters is not None:
        rows = rows.filter(newsletter_id__in=newsletters)
    sums = rows.aggregate(joined=Sum("joined"), left=Sum("left"))
    return (sums["joined"] or 0) - (sums["left"] or 0)


def list_sizes(newsletters: Collection[int]) -> dict[int, int]:
    """Return how many subscriptions to each newsletter are active, by their ids."""
    rows = Growth.objects.filter(newsletter_id__in=newsletters).values_list("newsletter_id")
    sums = {key: joined - left for key, joined, left in rows.annotate(Sum("joined"), Sum("left"))}
    return {key: sums.get(key, 0) for key in newsletters}


def count_by_source(newsletter: int, first: date) -> list[tuple[str, int, int]]:
    """Return how many joined and left since a day (UTC), by where they signed up; most first."""
    rows = Growth.objects.filter(newsletter_id=newsletter, day__gte=first)
    sums = rows.values_list("source").annotate(Sum("joined"), Sum("left"))
    return sorted(sums, key=lambda row: (-row[1], row[0]))


class OriginCount(NamedTuple):
    """How many asked to subscribe on a page and by a campaign, and how many of them confirmed."""

    page: str
    campaign: str
    requests: int
    confirmed: int


def count_by_origin(newsletter: int, first: date, most: int = 50) -> list[OriginCount]:
    """Return how many asked to subscribe since a day (UTC), by page and campaign; most first."""
    since = datetime.combine(first, time(), UTC)
    events = ConsentEvent.objects.filter(
        ~Q(page="", campaign=""), newsletter=newsletter, action="requested", at__gte=since
    )
    confirmed = Q(
        subscriber__subscriptions__newsletter=newsletter,
        subscriber__subscriptions__confirmed_at__gte=F("at"),
    )
    rows = events.values_list("page", "campaign").annotate(
        requests=Count("subscriber", distinct=True),
        confirmed=Count("subscriber", distinct=True, filter=confirmed),
    )
    return [OriginCount(*row) for row in rows.order_by("-requests", "page", "campaign")[:most]]


def count_cohorts(newsletter: int, first: date) -> list[tuple[date, date | None, int]]:
    """Return how many of those who joined in a month left in which, from a month on.

    Months are first days; without a second one it is how many joined.
    """
    rows = Cohort.objects.filter(newsletter_id=newsletter, joined__gte=first)
    sums = rows.values_list("joined", "left").annotate(Sum("subscribers"))
    return list(sums.order_by("joined", "left"))


def compact() -> None:
    """Merge rows where there are many of one day or cohort. Safe next to writers."""
    merge_differences(Growth, ("day", "newsletter_id", "source"), ("joined", "left"), COMPACT_ABOVE)
    merge_differences(Cohort, ("newsletter_id", "joined", "left"), ("subscribers",), COMPACT_ABOVE)
