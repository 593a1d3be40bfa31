"""Two databases of different sizes in one server, and what is timed with each in turns.

A machine's pace changes within minutes, and filling the larger database takes many. So both are
filled first, and each piece of work is then timed with one right after the other.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Any, NamedTuple


class Timed(NamedTuple):
    """Work that is timed; `prepare` makes ready what it takes, and is not timed."""

    work: Callable[[Any], object]
    prepare: Callable[[], Any] = lambda: None
    rounds: int = 25


Works = Mapping[str, Timed]  # by the name of the line that it prints


class Side:
    """A database that begins as a copy of the empty one."""

    def __init__(self, name: str) -> None:
        from django.db import connections

        origin = connections["default"]
        settings = dict(origin.settings_dict)
        origin.close()
        with origin._nodb_cursor() as cursor:  # noqa: SLF001  as Django's test runner does
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{settings["NAME"]}"')
        self._connection = connections.create_connection("default")
        self._connection.settings_dict = settings | {"NAME": name}

    @contextmanager
    def use(self) -> Iterator[None]:
        """Let Django work with this database."""
        from django.db import connections

        before = connections["default"]
        connections["default"] = self._connection
        try:
            yield
        finally:
            connections["default"] = before


def compare_sizes(fill: Callable[[int], Works], few: int, many: int) -> Side:
    """Fill two databases, time both in turns, and print the medians and their ratios.

    `fill` gets a number of subscribers. Return the larger side.
    """
    sides = {number: Side(f"with_{number}") for number in (few, many)}
    works: dict[int, Works] = {}
    for number, side in sides.items():
        with side.use():
            works[number] = fill(number)
    print(f"{'':<34}{few:>9,} subscribers {many:>12,}  ratio")
    for name in works[few]:
        milliseconds = _in_turns(sides, {number: rows[name] for number, rows in works.items()})
        ratio = milliseconds[many] / milliseconds[few]
        print(
            f"{name:<34}{milliseconds[few]:14.1f} ms {milliseconds[many]:9.1f} ms {ratio:6.2f}",
            flush=True,
        )
    return sides[many]


def _in_turns(sides: Mapping[int, Side], works: Mapping[int, Timed]) -> dict[int, float]:
    """Return the median milliseconds of a piece of work on each side."""
    milliseconds: dict[int, list[float]] = {number: [] for number in sides}
    for _ in range(min(timed.rounds for timed in works.values())):
        for number, timed in works.items():
            with sides[number].use():
                subject = timed.prepare()
                start = time.perf_counter()
                timed.work(subject)
                milliseconds[number].append((time.perf_counter() - start) * 1000)
    return {number: median(times) for number, times in milliseconds.items()}
