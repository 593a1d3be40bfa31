"""When a source is polled next. Pure: plain values, `now` and a random number in, a moment out."""

from datetime import datetime, timedelta

from digest.core.backoff import Backoff

INTERVAL = timedelta(minutes=15)
LONGEST_WISH = timedelta(hours=2)  # of a publisher's ttl or max-age; mornings don't wait for more
LONGEST_WAIT = timedelta(days=1)
JITTER = (-0.1, 0.1)  # so that sources are not all polled in the same minute
AFTER_FAILURE = Backoff.doubling(INTERVAL, LONGEST_WAIT, jitter=JITTER)


def after_success(now: datetime, wish: int, chance: float) -> datetime:
    """Return the next poll after a good one.

    `wish` is how many seconds the publisher asks us to stay away (ttl, max-age), `chance` a random
    number from 0 to 1.
    """
    interval = max(INTERVAL, min(timedelta(seconds=wish), LONGEST_WISH))
    return now + Backoff((interval,), JITTER).wait(1, chance)


def after_failure(
    now: datetime, failures: int, retry_after: float | None, chance: float
) -> datetime:
    """Return the next poll after the `failures`th failure in a row (1 is the first).

    The wait doubles from INTERVAL up to LONGEST_WAIT. A server's Retry-After, in seconds, stands
    instead where it is the longer wait of the two, and never beyond LONGEST_WAIT.
    """
    requested = timedelta(seconds=min(retry_after or 0, LONGEST_WAIT.total_seconds()))
    return now + min(max(AFTER_FAILURE.wait(failures, chance), requested), LONGEST_WAIT)
