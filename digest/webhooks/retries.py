"""When a failed webhook is called again, and when it is disabled. Pure."""

from datetime import datetime, timedelta

from digest.core.backoff import Backoff

GIVE_UP = timedelta(days=3)  # after the event
BACKOFF = Backoff(
    tuple(timedelta(seconds=s) for s in (10, 60, 300, 1800, 3600, 7200, 14_400, 28_800)),
    jitter=(0, 0.2),
)
LONGEST_RETRY_AFTER = timedelta(days=1)
HOPELESS_FAILURES = 20  # failures in a row …
HOPELESS_SPAN = timedelta(days=1)  # … over so long, and the webhook is disabled


def next_attempt(
    attempts: int, happened: datetime, now: datetime, retry_after: float | None, chance: float
) -> datetime | None:
    """Return when to deliver an event again after so many failed attempts; None: give it up.

    `retry_after` are the seconds of a Retry-After, `chance` is a random number from 0 to 1.
    """
    due_at = now + wait(attempts, retry_after, chance)
    return due_at if due_at - happened <= GIVE_UP else None


def wait(failures: int, retry_after: float | None, chance: float) -> timedelta:
    """Return how long not to call a webhook after its n-th failure in a row."""
    requested = min(timedelta(seconds=retry_after or 0), LONGEST_RETRY_AFTER)
    return max(BACKOFF.wait(failures, chance), requested)


def is_hopeless(failures: int, failing_since: datetime, now: datetime) -> bool:
    """Return whether a webhook has failed so often and for so long that it is to be disabled."""
    return failures >= HOPELESS_FAILURES and now - failing_since >= HOPELESS_SPAN
