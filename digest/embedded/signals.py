"""Ctrl-C, SIGTERM, and the terminal that closes: three ways to say stop.

A signal is only noted here, and acted upon where `check` or `pause` is called. An exception raised
wherever the program happens to be would sooner or later hit between taking a lock and giving it
back (subprocess.Popen has one), and the tidying up would wait for that lock for ever.
"""

import signal
import time
from types import FrameType
from typing import Self

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Counts the requests to stop."""

    def __init__(self) -> None:
        self.asked = 0

    def __enter__(self) -> Self:
        heeded = [number for number in STOPS if not _is_ignored_by_nohup(number)]
        self._before = {number: signal.signal(number, self._receive) for number in heeded}
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt if stopping was asked for."""
        if self.asked:
            raise KeyboardInterrupt

    def pause(self, seconds: float) -> None:
        """Sleep, then `check`."""
        time.sleep(seconds)
        self.check()

    def hurry(self) -> bool:
        """Say whether stopping was asked for more than once."""
        return self.asked > 1

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1


def _is_ignored_by_nohup(number: signal.Signals) -> bool:
    return number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN
