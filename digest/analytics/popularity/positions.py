"""How much rarer a link is clicked the further down it stands in the mail. Pure.

The clicks on a showing are taken as (interest in its issue) x (share of its position) x (share of
the issue's mails that had it). The first two are fitted in turns to what was counted, as in
iterative proportional fitting. A publication with few clicks keeps close to the usual curve; one
with many has its own.

Editors put what they believe in first, so a part of the difference is the stories'. A correction by
the whole of it favours stories further down a little.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from digest.analytics.popularity.showing import Showing

MOST = 30  # positions that have a share of their own; those below have the last one
PRIOR_CLICKS = 50.0  # how many clicks on a position the usual curve is worth
ROUNDS = 20
LOWEST = 0.05  # share: nothing is corrected more than twentyfold

Curve = Sequence[float]


def usual(position: int) -> float:
    """Return the share that a position has of the first one's clicks, without data: 1/√(p+1)."""
    return float((min(position, MOST - 1) + 1) ** -0.5)


def share(curve: Curve, position: int) -> float:
    """Return the share of a position; 1.0 for the first."""
    return curve[min(position, len(curve) - 1)]


def curve(showings: Sequence[Showing]) -> list[float]:
    """Return the shares of the positions from 0 to MOST - 1, the first one's being 1.0."""
    shares = [usual(position) for position in range(MOST)]
    issues = _by_issue(showings)
    if not any(showing.clicks for showing in showings):
        return shares
    for _ in range(ROUNDS):
        shares = _fitted(issues, shares)
    return shares


class _Link(NamedTuple):
    """A link of an issue."""

    position: int
    clicks: float
    weight: float  # the mails that had it, as a share of those with the link that most had


def _by_issue(showings: Sequence[Showing]) -> list[list[_Link]]:
    """Return the links of each issue that mails had."""
    mails = defaultdict[int, float](float)
    for row in showings:
        mails[row.issue_id] = max(mails[row.issue_id], row.mails)
    issues = defaultdict[int, list[_Link]](list)
    for row in showings:
        if row.mails > 0:
            weight = row.mails / mails[row.issue_id]
            issues[row.issue_id].append(_Link(min(row.position, MOST - 1), row.clicks, weight))
    return list(issues.values())


def _fitted(issues: Sequence[Sequence[_Link]], shares: Sequence[float]) -> list[float]:
    """Return better shares: the clicks at each position over those expected at share 1."""
    clicks, expected = [0.0] * MOST, [0.0] * MOST
    for links in issues:
        exposure = sum(shares[row.position] * row.weight for row in links)
        interest = sum(row.clicks for row in links) / exposure
        for row in links:
            clicks[row.position] += row.clicks
            expected[row.position] += interest * row.weight
    fitted = [
        (clicks[at] + PRIOR_CLICKS * usual(at)) / (expected[at] + PRIOR_CLICKS)
        for at in range(MOST)
    ]
    return [max(LOWEST, value / fitted[0]) for value in fitted]
