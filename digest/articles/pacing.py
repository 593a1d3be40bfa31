"""When a source is polled next. Pure: plain values, `now` and a random number in, a moment out."""

from datetime import datetime, timedelta

INTERVAL = timedelta(minutes=15)
LONGEST_WISH = timedelta(hours=2)  # of a publisher's ttl or max-age; mornings don't wait for more
LONGEST_WAIT = timedelta(days=1)
JITTER = 0.1  # of the wait, either way, so that sources don't march in step


def after_success(now: datetime, wish: int, chance: float) -> datetime:
    """Return the next poll after a good one.

    `wish` is how many seconds the publisher asks us to stay away (ttl, max-age), `chance` a random
    number from 0 to 1.
    """
    wait = max(INTERVAL, min(timedelta(seconds=wish), LONGEST_WISH))
    return now + _jittered(wait, chance)


def after_failure(
    now: datetime, failures: int, retry_after: float | None, chance: float
) -> datetime:
    """Return the next poll after the `failures`th failure in a row (1 is the first).

    The wait doubles from INTERVAL up to LONGEST_WAIT. A server's Retry-After, in seconds, stands
    instead where it is the longer wait of the two, and never beyond LONGEST_WAIT.
    """
    wait = _jittered(min(INTERVAL * 2 ** min(failures - 1, 16), LONGEST_WAIT), chance)
    asked = timedelta(seconds=min(retry_after or 0, LONGEST_WAIT.total_seconds()))
    return now + min(max(wait, asked), LONGEST_WAIT)


def _jittered(wait: timedelta, chance: float) -> timedelta:
    return wait * (1 + JITTER * (2 * chance - 1))
