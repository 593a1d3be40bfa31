"""Room on the disks: without it nothing is sent, and the console and `digest doctor` say so.

A sender needs its journal, which is in the data folder. Who waits for room looks again every few
seconds, so mail goes on by itself.
"""

import errno
import shutil
import socket
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import Error
from psycopg.errors import DiskFull

from digest.core.errors import DigestError

LEAST = 32 << 20  # bytes that have to be free in the data folder
REPORTED = 60  # seconds that a report is shown; senders look again more often
_KEY = "disk-full"
_IS_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class DiskFullError(DigestError):
    """There is no room for what has to be written before a mail may leave."""


def require_room() -> None:
    """Raise DiskFullError if the disk of the data folder is full, before anything is claimed."""
    folder = Path(settings.DIGEST_DATA_DIR)
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # the folder is made when it is first needed
    if free < LEAST:
        raise report(f"Only {free >> 20} MB are free on the disk of {folder}")


def report(problem: str) -> DiskFullError:
    """Let the console and the doctor know, and return the error to raise."""
    message = f"{problem} on {socket.gethostname()}. Nothing is sent until there is room."
    cache.set(_KEY, message, REPORTED)
    return DiskFullError(message)


def report_database(problem: Error) -> bool:
    """Report that PostgreSQL has no room left; return False if that is not the problem."""
    if isinstance(problem.__cause__, DiskFull):
        report("The disk of PostgreSQL is full, says the worker")
        return True
    return False


def reported() -> str:
    """Return what a process reported within the last minute; empty if none did."""
    message: str = cache.get(_KEY, "")
    return message
