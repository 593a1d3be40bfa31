"""Counts and observations of this process, until they are added to the installation's."""

from bisect import bisect_left
from collections.abc import Mapping
from threading import Lock

from digest.core.telemetry.metrics import Counter, Histogram

SUM = "sum"  # in place of a bucket's number

Key = tuple[str, ...]  # a metric's name, its labels' values; for a histogram, a bucket


class Buffer:
    """Numbers to add, by key. Counting takes about a microsecond."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers: dict[Key, float] = {}

    def add(self, numbers: Mapping[Key, float]) -> None:
        """Add to several numbers at once."""
        with self._lock:
            for key, number in numbers.items():
                self._numbers[key] = self._numbers.get(key, 0) + number

    def take(self) -> dict[Key, float]:
        """Return all numbers, and begin at zero."""
        with self._lock:
            numbers, self._numbers = self._numbers, {}
        return numbers

    def forget(self) -> None:
        """Begin at zero in a process that was forked: its parent reports what it counted."""
        self._lock = Lock()
        self._numbers = {}


BUFFER = Buffer()  # of this process


def count(counter: Counter, *labels: str, amount: float = 1) -> None:
    """Add to a counter; `labels` are values in the order of the counter's labels."""
    BUFFER.add({(counter.name, *labels): amount})


def observe(histogram: Histogram, seconds: float, *labels: str) -> None:
    """Add an observation, in seconds."""
    bucket = str(bisect_left(histogram.buckets, seconds))
    key = (histogram.name, *labels)
    BUFFER.add({(*key, bucket): 1, (*key, SUM): seconds})
