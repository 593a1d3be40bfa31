"""How many subscribers joined and left each day, read at once at any size.

A trigger on consent events notes it (subscribers/migrations); whoever confirms or is imported has
joined, whoever unsubscribes has left.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Sum

from digest.subscribers.models import Growth

MANY = 20  # differences of one day and newsletter, before they are drawn together


def by_day(
    newsletters: Collection[int] | None, days: int, now: datetime
) -> list[tuple[date, int, int]]:
    """Return for each of the last days (UTC), today included, how many joined and how many left.

    Of these newsletters, by their ids; None: of all.
    """
    first = now.date() - timedelta(days=days - 1)
    rows = Growth.objects.filter(day__gte=first, day__lte=now.date())
    if newsletters is not None:
        rows = rows.filter(newsletter_id__in=newsletters)
    sums = rows.values_list("day").annotate(Sum("joined"), Sum("gone"))
    counted = {day: (joined, gone) for day, joined, gone in sums}
    all_days = [first + timedelta(days=n) for n in range(days)]
    return [(day, *counted.get(day, (0, 0))) for day in all_days]


def compact() -> None:
    """Draw the differences together where they have become many. Safe beside writers."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPACT, [MANY])


_COMPACT = """
WITH many AS (
    SELECT day, newsletter_id FROM subscribers_growth
    GROUP BY day, newsletter_id HAVING count(*) > %s
), gone AS (
    DELETE FROM subscribers_growth AS growth USING many
    WHERE growth.day = many.day AND growth.newsletter_id = many.newsletter_id
    RETURNING growth.day, growth.newsletter_id, growth.joined, growth.gone
)
INSERT INTO subscribers_growth (day, newsletter_id, joined, gone)
SELECT day, newsletter_id, sum(joined), sum(gone) FROM gone GROUP BY day, newsletter_id
"""
