"""Whether the latest issue did far worse at a destination than the earlier ones. Pure.

    delivery    the share of mails refused or deferred is at least 10 points above the average of
                the earlier issues, and above that of each of them
    complaints  at least 5, and 3 in 1,000 mails delivered: Gmail and Yahoo ask for less
    clicks      the share of people who clicked is less than half of the average, and below that of
                each earlier issue, though other destinations clicked as usual

Small numbers say nothing: a share needs 100 mails, an average three issues with 300, clicks an
expectation of 20. What chance explains is not a drop: the difference has to exceed four standard
errors of the two shares, which happens by chance once in 30,000 comparisons. Without three earlier
issues only refusals count, against none: greylisting defers mail of senders that are new.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from digest.bounces.models import Drop
from digest.bounces.results.values import Result

FEWEST = 100  # mails of the issue to a destination
EARLIER_ISSUES = 3
EARLIER_MAILS = 300  # of the earlier issues together
POINTS = 0.1  # of the share refused or deferred
ERRORS = 4.0  # standard errors
FEWEST_COMPLAINTS = 5
TOO_MANY_COMPLAINTS = 0.003  # of the mails delivered
EXPECTED_CLICKERS = 20
HALF = 0.5

Results = Mapping[str, Result]  # of one issue, by destination


class Decline(NamedTuple):
    """What got worse at a destination."""

    destination: str
    kind: Drop.Kind
    mails: int
    share: float  # from 0 to 1
    usual_share: float


@dataclass(frozen=True, slots=True)
class DropJudgement:
    """What an issue shows of its destinations."""

    declines: tuple[Decline, ...]
    # Destinations and kinds with numbers that are large enough, in decline or not.
    judged: frozenset[tuple[str, Drop.Kind]]


def judge(latest: Results, earlier: Sequence[Results], *, with_clicks: bool) -> DropJudgement:
    """Compare an issue with those before it; `with_clicks` once a day has passed since."""
    declines, judged = [], set()
    for destination, result in latest.items():
        past = [results[destination] for results in earlier if destination in results]
        comparisons = {
            Drop.Kind.DELIVERY: _compare_delivery(result, past),
            Drop.Kind.COMPLAINTS: _compare_complaints(result, past),
        }
        if with_clicks:
            change = _general_change(destination, latest, earlier)
            comparisons[Drop.Kind.CLICKS] = _compare_clicks(result, past, change)
        for kind, comparison in comparisons.items():
            if comparison is None:
                continue
            judged.add((destination, kind))
            if comparison.is_decline:
                share, usual = comparison.share, comparison.usual_share
                declines.append(Decline(destination, kind, result.tried, share, usual))
    return DropJudgement(tuple(declines), frozenset(judged))


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A share of the latest issue, and what it usually is."""

    share: float
    usual_share: float
    is_decline: bool


def _compare_delivery(result: Result, past: Sequence[Result]) -> _Comparison | None:
    if result.tried < FEWEST:
        return None
    if not _is_average(past, [row.tried for row in past]):
        share = result.refused / result.tried
        return _Comparison(share, 0.0, share >= POINTS)
    share = _problem_share(result)
    total = Result.total("", past)
    usual = _problem_share(total)
    is_decline = (
        share >= usual + POINTS
        and share > max(_problem_share(row) for row in past)
        and _errors(share, result.tried, usual, total.tried) > ERRORS
    )
    return _Comparison(share, usual, is_decline)


def _compare_complaints(result: Result, past: Sequence[Result]) -> _Comparison | None:
    if result.delivered < FEWEST:
        return None
    share = result.complaint_share
    is_decline = result.complaints >= FEWEST_COMPLAINTS and share >= TOO_MANY_COMPLAINTS
    return _Comparison(share, Result.total("", past).complaint_share, is_decline)


def _compare_clicks(result: Result, past: Sequence[Result], change: float) -> _Comparison | None:
    """Compare the share of people who clicked, with what the issue's other destinations did."""
    if not _is_average(past, [row.countable for row in past]):
        return None
    total = Result.total("", past)
    usual = _clicks(total) * change
    if usual * result.countable < EXPECTED_CLICKERS or not result.countable:
        return None
    share = _clicks(result)
    is_decline = (
        share < usual * HALF
        and share < min(_clicks(row) for row in past)
        and _errors(usual, total.countable, share, result.countable) > ERRORS
    )
    return _Comparison(share, usual, is_decline)


def _general_change(destination: str, latest: Results, earlier: Sequence[Results]) -> float:
    """Return by which factor all other destinations clicked less than usual; 1 if they did not.

    A dull issue is clicked less everywhere, which says nothing about a provider.
    """
    now = Result.total("", [row for key, row in latest.items() if key != destination])
    rows = [row for results in earlier for key, row in results.items() if key != destination]
    usual = Result.total("", rows)
    if _clicks(usual) * now.countable < EXPECTED_CLICKERS:
        return 1.0
    return min(1.0, _clicks(now) / _clicks(usual))


def _is_average(past: Sequence[Result], mails: Sequence[int]) -> bool:
    return len(past) >= EARLIER_ISSUES and sum(mails) >= EARLIER_MAILS


def _problem_share(result: Result) -> float:
    return (result.refused + result.deferred) / result.tried if result.tried else 0.0


def _clicks(result: Result) -> float:
    return result.clickers / result.countable if result.countable else 0.0


def _errors(share: float, mails: int, other_share: float, other_mails: int) -> float:
    """Return how many standard errors a share is above another (pooled test of two proportions)."""
    pooled = (share * mails + other_share * other_mails) / (mails + other_mails)
    deviation = sqrt(pooled * (1 - pooled) * (1 / mails + 1 / other_mails))
    return (share - other_share) / deviation if deviation else 0.0
