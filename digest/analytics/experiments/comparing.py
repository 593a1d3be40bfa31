"""Which of several subjects has the highest click rate, and how certain that is. Pure.

Each rate has a Beta(1 + clickers, 1 + mails - clickers) distribution, that of a rate nothing was
known about before. How probable it is that a variant is the best follows by integration over a
grid. A winner needs 95 %; else there is "no difference", and the issue's own subject stays.
"""

from collections.abc import Sequence
from itertools import accumulate
from math import exp, lgamma, log
from typing import NamedTuple

CERTAIN = 0.95
LEAST_CLICKERS = 10  # of all variants together; fewer say nothing
_STEPS = 4_000


class Arm(NamedTuple):
    """What one subject achieved."""

    mails: int  # that were sent with it
    clickers: int  # people who clicked


class Comparison(NamedTuple):
    """The result of a test."""

    best: tuple[float, ...]  # how probable it is that each variant has the highest rate; sums to 1
    winner: int | None  # the variant that is certain enough; None: no difference


def compare(arms: Sequence[Arm]) -> Comparison:
    """Compare variants; the first is the issue's own subject.

    More clickers than mails, as clients without names may be, count as all of them.
    """
    best = probabilities_of_best(arms)
    top = max(range(len(arms)), key=best.__getitem__)
    has_enough = sum(arm.clickers for arm in arms) >= LEAST_CLICKERS
    return Comparison(best, top if has_enough and best[top] >= CERTAIN else None)


def probabilities_of_best(arms: Sequence[Arm]) -> tuple[float, ...]:
    """Return for each variant how probable it is that its rate is the highest; exact to 0.1 %."""
    low, high = _range(arms)
    points = [low + (high - low) * (step + 0.5) / _STEPS for step in range(_STEPS)]
    densities = [_densities(arm, points) for arm in arms]
    below = [[total - mass / 2 for total, mass in zip(accumulate(d), d, strict=True)]
             for d in densities]  # fmt: skip
    wins = []
    for number, density in enumerate(densities):
        rivals = [values for place, values in enumerate(below) if place != number]
        wins.append(sum(mass * _product(rivals, step) for step, mass in enumerate(density)))
    return tuple(win / sum(wins) for win in wins)


def _product(columns: Sequence[Sequence[float]], step: int) -> float:
    result = 1.0
    for column in columns:
        result *= column[step]
    return result


def _densities(arm: Arm, points: Sequence[float]) -> list[float]:
    """Return the probability of each step of the grid, of all of them 1."""
    a, b = _parameters(arm)
    constant = lgamma(a + b) - lgamma(a) - lgamma(b)
    values = [exp(constant + (a - 1) * log(x) + (b - 1) * log(1 - x)) for x in points]
    total = sum(values)
    return [value / total for value in values]


def _range(arms: Sequence[Arm]) -> tuple[float, float]:
    """Return the rates between which the grid lies: eight deviations around each mean."""
    lows, highs = [], []
    for arm in arms:
        a, b = _parameters(arm)
        mean = a / (a + b)
        deviation = (mean * (1 - mean) / (a + b + 1)) ** 0.5
        lows.append(mean - 8 * deviation)
        highs.append(mean + 8 * deviation)
    return max(0.0, min(lows)), min(1.0, max(highs))


def _parameters(arm: Arm) -> tuple[float, float]:
    clickers = min(arm.clickers, arm.mails)
    return 1.0 + clickers, 1.0 + arm.mails - clickers
