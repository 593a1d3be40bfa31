"""What the judged hits of a visitor contribute to the totals of an issue. Pure.

Totals change by the difference of two contributions: with the verdicts before, and with those
after. So a hit that is judged again moves from one column to another, and is never counted twice.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from digest.analytics.models import HitKind, Verdict

HOUR = 3600


class JudgedHit(NamedTuple):
    """A hit, as far as it is counted."""

    at: float  # seconds since 1970, UTC
    kind: int  # HitKind
    link: int  # 0: an open
    verdict: int | None  # None: not judged, not counted


class Contribution(NamedTuple):
    """What hits of one visitor add to one issue's totals."""

    # By link, hour (seconds since 1970) and column of LinkHour.
    hours: Counter[tuple[int, int, str]]
    issue: Counter[str]  # by column of IssueTotals


NOTHING = Contribution(Counter(), Counter())
CLICK_COLUMNS: dict[int | None, str] = {
    Verdict.HUMAN: "clicks",
    Verdict.MACHINE: "machine_clicks",
    Verdict.UNCERTAIN: "uncertain_clicks",
}
OPEN_COLUMNS: dict[int | None, str] = {
    Verdict.HUMAN: "opens",
    Verdict.MACHINE: "machine_opens",
    Verdict.UNCERTAIN: "uncertain_opens",
}


def contribution(hits: Iterable[JudgedHit]) -> Contribution:
    """Add up the hits of one visitor in one issue, which come in the order of time.

    A unique click counts in the hour of the visitor's first human click on the link, a clicker in
    that of the first one on any link.
    """
    counted = [hit for hit in hits if hit.verdict is not None]
    if not counted:
        return NOTHING
    hours: Counter[tuple[int, int, str]] = Counter()
    issue: Counter[str] = Counter()
    clicked: set[int] = set()
    for hit in counted:
        verdict = hit.verdict
        if hit.kind == HitKind.OPEN:
            issue[OPEN_COLUMNS[verdict]] += 1
            continue
        issue[CLICK_COLUMNS[verdict]] += 1
        hour = int(hit.at) // HOUR * HOUR
        hours[hit.link, hour, CLICK_COLUMNS[verdict]] += 1
        if verdict == Verdict.HUMAN and hit.link not in clicked:
            if not clicked:
                hours[hit.link, hour, "clickers"] = 1
            clicked.add(hit.link)
            hours[hit.link, hour, "unique_clicks"] += 1
    if clicked:
        issue["unique_clickers"] = 1
    return Contribution(hours, issue)


class Difference:
    """How the totals of several issues change."""

    def __init__(self) -> None:
        """Begin with no change."""
        self.hours: Counter[tuple[int, int, int, str]] = Counter()  # the issue comes first
        self.issues: Counter[tuple[int, str]] = Counter()

    def add(self, issue: int, before: Contribution, after: Contribution) -> None:
        """Add the change of one visitor's contribution."""
        for sign, part in ((1, after), (-1, before)):
            for (link, hour, column), number in part.hours.items():
                self.hours[issue, link, hour, column] += sign * number
            for column, number in part.issue.items():
                self.issues[issue, column] += sign * number
