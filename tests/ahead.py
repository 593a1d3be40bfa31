"""`make test-clock`: the tests that touch time, with the clock of all processes set to other days.

Each day is a run of its own, on services of its own, with tests/ahead.c preloaded; two runs at a
time. `python -m tests.ahead DATE …` takes other days.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / ".venv" / "ahead.so"
AHEAD = [timedelta(days=days) for days in (7, 30, 240)]
DATES = [
    date(2026, 11, 1),  # clocks go back in New York
    date(2027, 3, 28),  # and forward in Berlin
    date(2028, 2, 29),
]
# Schedules, slots, catching up, dates, statistics by day, retention, previews of what is to come;
# and every test that lives in the machine's time.
FILES = [
    "tests/analytics/statistics",
    "tests/analytics/test_popularity.py",
    "tests/articles/parsing/test_dates.py",
    "tests/bounces/test_reengaging.py",
    "tests/bounces/test_sunset.py",
    "tests/connectors/test_receiving.py",
    "tests/console/test_schedules.py",
    "tests/core/test_clock.py",
    "tests/doctor/test_database.py",
    "tests/embedded/test_setting_up.py",
    "tests/issues/test_scheduling.py",
    "tests/newsletters/test_catchup.py",
    "tests/newsletters/test_periods.py",
    "tests/newsletters/test_schedules.py",
    "tests/newsletters/test_timetable.py",
    "tests/newsletters/test_zones.py",
    "tests/sending/preflight/test_mentioned_dates.py",
    "tests/sending/test_archiving.py",
    "tests/sending/test_ledger.py",
    "tests/series",
    "tests/subscribers/test_growth.py",
    "tests/transfers/test_queue.py",
    "tests/web/test_captcha.py",
    "tests/webhooks/test_webhooks.py",
]


class Run(NamedTuple):
    """The tests on one day."""

    day: date
    status: int
    output: str

    @property
    def summary(self) -> str:
        """The day, and how its tests ended, in a line."""
        lines = self.output.strip().splitlines() or ["no output"]
        return f"{self.day:%a %d %b %Y}: {lines[-1].strip(' =')}"


def main(arguments: list[str]) -> int:
    """Run the tests on each day; return 1 if any failed."""
    today = datetime.now(UTC).date()
    days = [date.fromisoformat(text) for text in arguments] or [
        *DATES,
        *(today + ahead for ahead in AHEAD),
    ]
    failed = 0
    for run in _run_all(sorted(days), today):
        print(run.output if run.status else run.summary, flush=True)  # noqa: T201
        failed += bool(run.status)
    return min(failed, 1)


def _run_all(days: Iterable[date], today: date) -> Iterator[Run]:
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(lambda day: _run(day, (day - today).days), days)


def _run(day: date, days_ahead: int) -> Run:
    shifted = {"LD_PRELOAD": str(LIBRARY), "TESTS_DAYS_AHEAD": str(days_ahead)}
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *FILES],
        env=os.environ | shifted,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Run(day, process.returncode, f"On {day:%a %d %b %Y}:\n{process.stdout}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
