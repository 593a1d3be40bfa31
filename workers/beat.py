"""Beat: `celery -A workers.beat beat`. It enqueues jobs by their names and never loads them.

Its scheduler lets the machine know that it ticks.
"""

from typing import Any

from celery.beat import Scheduler

from digest import alive
from workers.app import app

app.conf.imports = []


class TickingScheduler(Scheduler):
    """Ticks need no memory, so beat keeps no file that could go stale (docs/decisions/0002)."""

    def tick(self, *args: Any, **options: Any) -> float:
        """Enqueue what is due; return the seconds until the next tick."""
        alive.tick("beat")
        seconds: float = super().tick(*args, **options)
        return seconds
