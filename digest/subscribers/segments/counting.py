"""How many subscribers: exactly where the database can say so soon, else "about"; the first ones.

A count that takes too long is estimated from subscribers at random, so its cost has a limit at any
size. They are drawn from the publications that it is about: of a small one among large ones, more
ids are drawn. The sample is the same until subscribers are added: a number does not jump at each
look.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from django.db.models import QuerySet

from digest.core.database.limits import within, without_nested_loops
from digest.subscribers.models import Subscriber, Subscription

PATIENCE = 200  # milliseconds for an exact count
PREVIEW_PATIENCE = 700
SAMPLE_PATIENCE = 2_000  # for what is asked of the sample, in each of two ways
SAMPLE = 4_000  # subscribers
MOST_DRAWS = 40_000  # ids, most of them of nobody, or of subscribers of other publications
FEW = 10  # matches in a sample: fewer do not say a number
PREVIEWED = 20


T = TypeVar("T")


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


def count(
    rows: QuerySet[Subscriber],
    publication_ids: Collection[int] | None = None,
    patience: int = PATIENCE,
) -> Count:
    """Count subscribers of publications (None: of all), or estimate how many they are.

    Exactly if that takes no longer than `patience` (ms).
    """
    number = within(patience, rows.order_by().count)
    return estimate(rows, publication_ids) if number is None else Count(number)


def estimate(rows: QuerySet[Subscriber], publication_ids: Collection[int] | None = None) -> Count:
    """Count subscribers by a sample; two digits of the number count."""
    ids, span = _sample(publication_ids)
    if not ids:
        return Count(0)
    matches = _quickly(rows.filter(pk__in=ids).order_by().count)
    if matches is None:
        return Count(span, is_exact=False, is_limit=True)
    return scaled(matches, len(ids), span)


def scaled(matches: int, sampled: int, total: int) -> Count:
    """Return how many of `total` there are, where so many of a sample match; exact for all."""
    if sampled >= total:
        return Count(matches)
    if matches < FEW:
        return Count(_rounded(FEW * total / sampled), is_exact=False, is_limit=True)
    return Count(_rounded(matches * total / sampled), is_exact=False)


def preview(
    rows: QuerySet[Subscriber], publication_ids: Collection[int] | None = None
) -> list[Subscriber]:
    """Return the first subscribers; where that takes too long, those of a sample."""
    first = rows.order_by("pk")[:PREVIEWED]
    subscribers = within(PREVIEW_PATIENCE, lambda: list(first))
    if subscribers is not None:
        return subscribers
    ids, _ = _sample(publication_ids)
    sample = rows.filter(pk__in=ids).order_by("pk")[:PREVIEWED]
    return _quickly(lambda: list(sample)) or []


def _quickly(question: Callable[[], T]) -> T | None:
    """Return what is asked of the sample; None if that takes too long in either way."""
    answer = within(SAMPLE_PATIENCE, question)
    if answer is None:
        answer = within(SAMPLE_PATIENCE, lambda: without_nested_loops(question))
    return answer


def _sample(publication_ids: Collection[int] | None) -> tuple[list[int], int]:
    """Return ids at random, of subscribers or of nobody, and among how many they are.

    So many that about `SAMPLE` of them are of the publications, if that needs no more than
    `MOST_DRAWS`.
    """
    ids = Subscriber.objects.order_by("pk").values_list("pk", flat=True)
    lowest, highest = ids.first(), ids.last()
    if lowest is None or highest is None:
        return [], 0
    span = highest - lowest + 1
    if span <= SAMPLE:
        return list(range(lowest, highest + 1)), span
    possible = range(lowest, highest + 1)
    draws = _draw(possible, SAMPLE)
    if publication_ids is not None:
        hits = _subscribed(draws, publication_ids)
        draws_needed = min(SAMPLE * SAMPLE // max(hits, 1), MOST_DRAWS, span)
        draws = _draw(possible, draws_needed) if draws_needed > SAMPLE else draws
    return draws, span


def _draw(possible: range, number: int) -> list[int]:
    return Random(possible[-1]).sample(possible, number)  # noqa: S311  not a secret


def _subscribed(ids: Collection[int], publication_ids: Collection[int]) -> int:
    """Return how many of some ids are of subscribers of the publications."""
    subscriptions = Subscription.objects.filter(
        subscriber__in=ids, newsletter__publication__in=publication_ids
    )
    return subscriptions.values("subscriber").distinct().count()


def _rounded(number: float) -> int:
    digits = len(str(int(number)))
    return int(round(number, min(0, 2 - digits)))
