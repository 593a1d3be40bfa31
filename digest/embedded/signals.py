"""Ctrl-C, SIGTERM, and the terminal that closes: three ways to say stop."""

import signal
from types import FrameType, TracebackType
from typing import Self

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Turns the first request to stop into KeyboardInterrupt; later ones only say "hurry".

    So the work is interrupted wherever it is, and the tidying up never.
    """

    def __init__(self) -> None:
        self.asked = 0

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._hear) for number in STOPS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def hurry(self) -> bool:
        """Say whether stopping was asked for more than once."""
        return self.asked > 1

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1
        if self.asked == 1:
            raise KeyboardInterrupt
