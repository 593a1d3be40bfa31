"""When soft bounces become too many. Pure.

A full mailbox, a server that is down for a weekend and a greylist pass by themselves. So each day
with a soft bounce counts one point, which loses half of its weight every 90 days; a good delivery
takes all points away; and a mailbox has two weeks to come back, however often it is mailed. That
suppresses it after two weeks of a daily newsletter, five issues of a weekly one, eight months of a
monthly one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

HALF_LIFE = timedelta(days=90)
LIMIT = 4.0  # points
PATIENCE = timedelta(days=14)  # from the first to the last
# A relay may try for five days; a delivery without a report after that time was good.
GOOD_AFTER = timedelta(days=6)


def score(bounced_at: Iterable[datetime], now: datetime) -> float:
    """Return the points of soft bounces at these moments (aware, UTC), one a day at most."""
    days = {moment.date(): moment for moment in bounced_at}
    return sum(float(0.5 ** ((now - moment) / HALF_LIFE)) for moment in days.values())


def is_too_much(bounced_at: Iterable[datetime], last_good: datetime | None, now: datetime) -> bool:
    """Return whether soft bounces suppress an address; those before a good delivery are void."""
    counted = [moment for moment in bounced_at if last_good is None or moment > last_good]
    if not counted or max(counted) - min(counted) < PATIENCE:
        return False
    return score(counted, now) >= LIMIT
