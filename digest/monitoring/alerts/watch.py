"""A thread that watches while its web process runs."""

from datetime import datetime
from threading import Event, Thread

import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from digest.core import clock
from digest.monitoring.alerts.reporting import report
from digest.monitoring.alerts.watching import settle, take_news

SECONDS = 30.0  # between two looks

log = structlog.get_logger(__name__)


class Watch:
    """Looks every half minute, if somebody wants to hear of it."""

    def __init__(self) -> None:
        self._over = Event()
        self._thread = Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin, unless DIGEST_ALERTS is empty."""
        if settings.DIGEST_ALERTS:
            self._thread.start()

    def stop(self) -> None:
        """End after the look that has begun."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        while not self._over.wait(SECONDS):
            self.look()

    def look(self) -> None:
        """Look once, and report what is new. A database that is away is for others to report."""
        try:
            watch_once(clock.now())
        except DatabaseError as problem:
            log.warning("not watched", problem=str(problem).strip())
        except Exception:
            log.exception("not watched")
        finally:
            connection.close()


def watch_once(now: datetime) -> None:
    """Report what is new. What reaches nobody is due again later."""
    news = take_news(now)
    if report(news, now):
        settle(news, now)
