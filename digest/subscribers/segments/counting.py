"""How many subscribers: exactly where the database can say so soon, else "about"; the first ones.

A count that takes too long is estimated from subscribers at random, so its cost has a limit at any
size. The sample is the same until subscribers are added: a number does not jump at each look.
"""

from dataclasses import dataclass
from random import Random

from django.db.models import QuerySet

from digest.core.database.limits import within
from digest.subscribers.models import Subscriber

PATIENCE = 200  # milliseconds for an exact count
PREVIEW_PATIENCE = 700
SAMPLE = 4_000  # subscribers
FEW = 10  # matches in a sample: fewer do not say a number
PREVIEWED = 20


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are, or about."""

    number: int
    is_exact: bool = True
    is_limit: bool = False  # there are fewer than the number

    def __str__(self) -> str:
        number = f"{self.number:,}"
        if self.is_exact:
            return number
        if self.is_limit:
            return f"fewer than {number}"
        return f"about {number}"


def count(rows: QuerySet[Subscriber], patience: int = PATIENCE) -> Count:
    """Count subscribers, exactly if that takes no longer than `patience` (ms), or from a sample."""
    number = within(patience, rows.order_by().count)
    return estimate(rows) if number is None else Count(number)


def estimate(rows: QuerySet[Subscriber]) -> Count:
    """Count subscribers by a sample; two digits of the number count."""
    ids, span = _sample()
    if not ids:
        return Count(0)
    matches = rows.filter(pk__in=ids).order_by().count()
    if matches < FEW:
        return Count(_rounded(FEW * span / len(ids)), is_exact=False, is_limit=True)
    return Count(_rounded(matches * span / len(ids)), is_exact=False)


def preview(rows: QuerySet[Subscriber]) -> list[Subscriber]:
    """Return the first subscribers; where that takes too long, those of a sample."""
    first = rows.order_by("pk")[:PREVIEWED]
    subscribers = within(PREVIEW_PATIENCE, lambda: list(first))
    if subscribers is not None:
        return subscribers
    return list(rows.filter(pk__in=_sample()[0]).order_by("pk")[:PREVIEWED])


def _sample() -> tuple[list[int], int]:
    """Return ids at random, of subscribers or of nobody, and among how many they are."""
    ids = Subscriber.objects.order_by("pk").values_list("pk", flat=True)
    lowest, highest = ids.first(), ids.last()
    if lowest is None or highest is None:
        return [], 0
    span = highest - lowest + 1
    if span <= SAMPLE:
        return list(range(lowest, highest + 1)), span
    random = Random(highest)  # noqa: S311  not a secret
    return random.sample(range(lowest, highest + 1), SAMPLE), span


def _rounded(number: float) -> int:
    digits = len(str(int(number)))
    return int(round(number, min(0, 2 - digits)))
