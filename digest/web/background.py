"""What runs beside the pages in each web process: threads that begin and end with it."""

from digest.analytics.recording import RECORDER
from digest.core.telemetry.reporting import Reporter
from digest.monitoring.alerts.watch import Watch


class Background:
    """Writes hits, reports what was counted, and watches for what operators should hear of."""

    def __init__(self) -> None:
        self._threads = (RECORDER, Reporter("web"), Watch())

    def start(self) -> None:
        """Begin, in the process that serves."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what has begun."""
        for thread in self._threads:
            thread.stop()
