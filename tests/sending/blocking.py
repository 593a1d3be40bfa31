"""Waiting until another session is blocked."""

import time

from django.db import connection


def wait_until_blocked() -> None:
    """Wait until another session waits for a lock of this one."""
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")
