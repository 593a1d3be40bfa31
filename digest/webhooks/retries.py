"""When a webhook that failed is tried again, and when it is left. Pure."""

from datetime import datetime, timedelta

from digest.core.backoff import Backoff

GIVE_UP = timedelta(days=3)
BACKOFF = Backoff(
    tuple(timedelta(seconds=s) for s in (10, 60, 300, 1800, 3600, 7200, 14_400, 28_800)),
    jitter=(0, 0.2),
)
LONGEST = timedelta(days=1)  # that a server may ask us to wait
MANY = 20  # failures in a row …
LONG = timedelta(days=1)  # … over so long, and the webhook is disabled


def next_try(
    attempts: int, happened: datetime, now: datetime, asked: float | None, jitter: float
) -> datetime | None:
    """Return when to tell an event again after so many attempts in vain; None: give it up.

    `asked` are the seconds of a Retry-After, `jitter` is a number from 0 to 1.
    """
    due = now + wait(attempts, asked, jitter)
    return due if due - happened <= GIVE_UP else None


def wait(failures: int, asked: float | None, jitter: float) -> timedelta:
    """Return how long to leave a webhook alone after its n-th failure in a row."""
    return max(BACKOFF.wait(failures, jitter), min(timedelta(seconds=asked or 0), LONGEST))


def is_hopeless(failures: int, failing_since: datetime, now: datetime) -> bool:
    """Say whether a webhook has failed so often and for so long that it is to be disabled."""
    return failures >= MANY and now - failing_since >= LONG
