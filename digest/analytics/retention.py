"""Delete what is kept for a while only: hits and salts. Totals stay.

Hits are deleted in the order of their ids, which is that of their times but for some seconds, so
no index over times is needed. A hit that is not judged yet waits until it is.
"""

import time
from datetime import UTC, datetime, timedelta

from django.conf import settings

from digest.analytics.models import DailySalt
from digest.core.database.statements import fetch_row

STEP = 10_000  # hits in each statement
SECONDS = 5.0  # of one call
SALT_DAYS = 1  # a salt is kept for its own day and this many days after it

_OLDEST = """
    WITH oldest AS MATERIALIZED (
        SELECT id, at, verdict FROM analytics_hit WHERE id > %(after)s ORDER BY id LIMIT %(step)s
    ), deleted AS (
        DELETE FROM analytics_hit USING oldest
        WHERE analytics_hit.id = oldest.id AND oldest.at < %(before)s
          AND oldest.verdict IS NOT NULL
        RETURNING analytics_hit.id
    )
    SELECT (SELECT max(id) FROM oldest), (SELECT count(*) FROM deleted)
"""


def delete_old(now: datetime, seconds: float = SECONDS) -> int:
    """Delete what is too old; return how many hits. Begin no step after `seconds`.

    DIGEST_HITS_DAYS says for how long hits are kept; 0: for ever. Salts are deleted all the same.
    """
    DailySalt.objects.filter(
        day__lt=now.astimezone(UTC).date() - timedelta(days=SALT_DAYS)
    ).delete()
    if not settings.DIGEST_HITS_DAYS:
        return 0
    before = now - timedelta(days=settings.DIGEST_HITS_DAYS)
    return _delete_hits(before, time.monotonic() + seconds)


def _delete_hits(before: datetime, until: float) -> int:
    """Delete the hits before a time, as long as the oldest ones are among them."""
    total, after = 0, 0
    while time.monotonic() < until:
        last, deleted = fetch_row(_OLDEST, {"after": after, "step": STEP, "before": before})
        total += deleted
        if not deleted:
            break
        after = last
    return total
