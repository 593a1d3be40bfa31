"""How long to wait after failures in a row. Pure: the caller brings the random number."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow with each failure in a row; the last one repeats.

    `jitter` is the range of shares by which a wait is changed, so that what failed together does
    not come back together: (0, 0.2) makes it up to a fifth longer.
    """

    waits: tuple[timedelta, ...]
    jitter: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def doubling(
        cls, first: timedelta, longest: timedelta, *, jitter: tuple[float, float] = (0.0, 0.0)
    ) -> Self:
        """Return a backoff whose waits double from `first` until they reach `longest`."""
        waits = [first]
        while waits[-1] < longest:
            waits.append(min(waits[-1] * 2, longest))
        return cls(tuple(waits), jitter)

    def wait(self, failures: int, chance: float = 0.0) -> timedelta:
        """Return the wait after the n-th failure in a row (1 is the first).

        `chance` is a random number from 0 to 1, which places the wait within the jitter.
        """
        least, most = self.jitter
        usual = self.waits[min(max(failures, 1), len(self.waits)) - 1]
        return usual * (1 + least + (most - least) * chance)
