"""The clock of all tests: in the cast's town it is noon, whatever day it is here.

`digest.core.clock.now` is the only place that asks for the time, so a test's pages, jobs and
commands live on the day on which the cast's articles appeared. The clock goes on from NOON with
the time that passes. Other processes and the database keep the machine's time; tests in which
they meet ours are marked `real_clock` (as all journeys are) and anchor their rows to it.
"""

import time
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday
LONG_AGO = NOON.replace(year=2020)  # due by any clock

_START = time.monotonic()


def now() -> datetime:
    """Return NOON and the time that has passed since the tests began."""
    return NOON + timedelta(seconds=time.monotonic() - _START)
