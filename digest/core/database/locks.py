"""Advisory locks of PostgreSQL: one holder for each purpose and key, until the transaction ends.

They order work on something that has no row yet: an issue that is not built, a mailbox that nobody
has written to, a key that no call has used.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from zlib import crc32

from django.db import connection

from digest.core.database.statements import execute, fetch_row


class Purpose(IntEnum):
    """What a lock is for: the first of the two numbers that PostgreSQL takes."""

    BUILD_ISSUES = 0x0ED1  # of one newsletter
    QUEUE_NOTICE = 0x0ED2  # to one mailbox
    IDEMPOTENCY_KEY = 0x0ED4
    FIRST_ACCOUNT = 0x0ED5
    CAPPED_APPEAL = 0x0ED6  # who has had it how often
    PLAN_DELIVERIES = 0x0EDE  # shared by planners, against the erasure of a subscriber
    QUEUE_STATISTICS = 0x0EDC  # everybody's
    JUDGE_HITS = 0x0ED8  # everybody's
    BEGIN_HOLD = 0x0EDB  # of all mail
    WATCH = 0x0EE0  # this installation, for alerts
    MIGRATE = 0x0EDA  # the whole database
    RECEIVE_ARTICLES = 0x0EE2  # of one connection
    RESEND_ISSUE = 0x0EE6  # to one subscriber
    NOTIFY_NEWSROOM = 0x0EE4  # of what happened to everybody
    DETECT_DROPS = 0x0EDD  # of one newsletter


def lock(purpose: Purpose, key: int | str = 0) -> None:
    """Wait for the lock, and hold it until the transaction ends."""
    execute("SELECT pg_advisory_xact_lock(%s, %s)", [purpose, _number(key)])


def share_lock(purpose: Purpose, key: int | str = 0) -> None:
    """Wait until nobody holds the lock for themselves, and share it until the transaction ends."""
    execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [purpose, _number(key)])


def try_lock(purpose: Purpose, key: int | str = 0) -> bool:
    """Take the lock until the transaction ends, or return False where another has it."""
    return bool(fetch_row("SELECT pg_try_advisory_xact_lock(%s, %s)", [purpose, _number(key)])[0])


@contextmanager
def hold(purpose: Purpose, key: int | str = 0) -> Iterator[None]:
    """Wait for the lock, and hold it across transactions; the session's end frees it too.

    Not through a pooler that shares sessions.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [purpose, _number(key)])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [purpose, _number(key)])


def _number(key: int | str) -> int:
    """Return a key as a signed 32-bit integer; two that collide only wait for each other."""
    return crc32(key.encode()) - 2**31 if isinstance(key, str) else key % 2**31
