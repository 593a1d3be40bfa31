"""How many subscribers joined and left each day, without counting at any size.

A trigger on consent events adds to it (subscribers/sql): a confirmed or imported subscriber has
joined, an unsubscribed one has left.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Sum

from digest.subscribers.models import Growth

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


def compact() -> None:
    """Merge rows where there are many of one day and newsletter. Safe next to writers."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPACT, [COMPACT_ABOVE])


_COMPACT = """
WITH many AS (
    SELECT day, newsletter_id FROM subscribers_growth
    GROUP BY day, newsletter_id HAVING count(*) > %s
), deleted AS (
    DELETE FROM subscribers_growth AS growth USING many
    WHERE growth.day = many.day AND growth.newsletter_id = many.newsletter_id
    RETURNING growth.day, growth.newsletter_id, growth.joined, growth."left"
)
INSERT INTO subscribers_growth (day, newsletter_id, joined, "left")
SELECT day, newsletter_id, sum(joined), sum("left") FROM deleted GROUP BY day, newsletter_id
"""
