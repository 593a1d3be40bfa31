"""Whether a machine's clock agrees with the database's: leases go by one, slots by the other."""

import time
from datetime import UTC, datetime, timedelta

import structlog
from django.core.cache import cache

from digest.core.clock import format_moment
from digest.core.database.statements import fetch_row

MOST = timedelta(seconds=5)
REPORTED = 60  # seconds that a report is shown; workers compare more often
_KEY = "clock-skew"

log = structlog.get_logger(__name__)


def compare_clocks() -> None:
    """Compare, and let the console know of a machine whose clock is wrong."""
    before = time.time()
    database: datetime = fetch_row("SELECT clock_timestamp()")[0]
    middle = datetime.fromtimestamp((before + time.time()) / 2, UTC)
    report_difference(database, middle)


def report_difference(database: datetime, machine: datetime) -> None:
    """Report the clocks of both, unless they agree."""
    if abs(database - machine) <= MOST:
        return
    message = (
        f"PostgreSQL's clock says {format_moment(database)}, a worker's {format_moment(machine)}. "
        "Synchronise the clocks of both machines."
    )
    log.error("clocks differ", seconds=(machine - database).total_seconds())
    cache.set(_KEY, message, REPORTED)


def reported() -> str:
    """Return what a worker reported within the last minute; empty if none did."""
    message: str = cache.get(_KEY, "")
    return message
