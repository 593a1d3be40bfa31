"""Judge hits, and count them: a few thousand in each transaction, by one process at a time.

    storing.due_hits               those older than 45 seconds that are not judged
    storing.load                   all hits of their visitors in their issues
    verdicts.judge                 also of hits that were judged before and look different now
    coincidences.judge_coincident  requests of data centres just when somebody else clicked
    storing.save                   the verdicts that changed
    totals.apply                   the difference that they make

All of it is one transaction under one lock: a process that ends between two statements has done
nothing, and nothing is counted twice.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count

from digest.analytics import coincidences, networks, storing, totals
from digest.analytics.errors import RejudgingError
from digest.analytics.folding import Contribution, Difference, JudgedHit, contribution
from digest.analytics.models import Hit
from digest.analytics.storing import Change, Row, Visitor
from digest.analytics.verdicts import Judgement, judge
from digest.analytics.verdicts.networks import Networks
from digest.analytics.verdicts.request import Request
from digest.core.database import locks
from digest.issues.models import TrackedLink

# By then the other requests of a scanner have come, and the delivery is recorded.
SETTLED = timedelta(seconds=45)
BATCH = 5_000  # hits in each transaction
MOST_BATCHES = 60  # in one run; what is left waits for the next
VISITORS = 1_000  # in each transaction of judging again


def judge_due(now: datetime) -> int:
    """Judge the hits that are due; return how many hits got a verdict, the first or another.

    Returns 0 at once where another process judges.
    """
    number = 0
    for _ in range(MOST_BATCHES):
        due, changed = _judge_batch(now)
        number += changed
        if due < BATCH:
            break
    return number


def rejudge(issue_id: int, now: datetime) -> int:
    """Judge all hits of an issue again, by today's rules and networks; return how many changed.

    What deleted hits contributed stays in the totals. Raises RejudgingError where it has no hits.
    """
    if not Hit.objects.filter(issue_id=issue_id).exists():
        raise RejudgingError(
            f"Issue {issue_id} has no hits to judge. Hits are deleted after some months; "
            "the issue's totals stay."
        )
    number, visitors = 0, storing.visitors_of(issue_id, None, VISITORS)
    while visitors:
        with transaction.atomic():
            locks.lock(locks.Purpose.JUDGE_HITS)
            number += _judge_visitors(visitors, now, rejudging=True)
        visitors = storing.visitors_of(issue_id, visitors[-1][1], VISITORS)
    return number


@transaction.atomic
def _judge_batch(now: datetime) -> tuple[int, int]:
    """Return how many hits were due, at most BATCH, and how many hits changed."""
    if not locks.try_lock(locks.Purpose.JUDGE_HITS):
        return 0, 0
    due, index = storing.due_hits(now - SETTLED, BATCH), networks.current()
    visitors = {(hit.issue, hit.visitor) for hit in due} | coincidences.reopened(due, index)
    return len(due), _judge_visitors(sorted(visitors), now, rejudging=False)


def _judge_visitors(visitors: Sequence[Visitor], now: datetime, *, rejudging: bool) -> int:
    """Judge all hits of these visitors; `rejudging` those that nothing new can change, too."""
    index, until = networks.current(), now - SETTLED
    links = _link_counts({issue for issue, _ in visitors})
    visits = {
        (issue, visitor): (rows, judge([_request(row, index) for row in rows], links.get(issue, 0)))
        for (issue, visitor), rows in storing.load(visitors, rejudging=rejudging)
    }
    coincidences.judge_coincident(list(visits.values()), index)
    changes: list[Change] = []
    difference = Difference()
    for (issue, visitor), (rows, judgements) in visits.items():
        verdicts = _changes(rows, judgements, until.timestamp())
        changes += verdicts
        difference.add(issue, *_contributions(rows, verdicts))
        if len(rows) == storing.FLOOD:
            storing.save_rest_as_machine(issue, visitor, rows, until, difference)
    storing.save(changes)
    totals.apply(difference, now)
    return len(changes)


def _link_counts(issues: Collection[int]) -> dict[int, int]:
    links = TrackedLink.objects.in_mails().filter(issue__in=issues, kind=TrackedLink.Kind.LINK)
    return dict(links.values_list("issue").annotate(Count("pk")).order_by())


def _changes(rows: Sequence[Row], judgements: Sequence[Judgement], until: float) -> list[Change]:
    """Return the changes of one visitor's hits; hits that are not due yet are only evidence."""
    return [
        Change(row.id, verdict, reasons, row.since_delivery)
        for row, (verdict, reasons) in zip(rows, judgements, strict=True)
        if row.at < until and (row.verdict, row.reasons) != (verdict, reasons)
    ]


def _request(row: Row, index: Networks) -> Request:
    return Request(
        row.at,
        row.kind,
        row.link,
        row.network,
        index.class_of(row.network),
        row.agent,
        row.since_delivery,
        row.while_sending,
    )


def _contributions(
    rows: Sequence[Row], changes: Sequence[Change]
) -> tuple[Contribution, Contribution]:
    """Return what a visitor's hits contribute before and after the changes."""
    verdicts = {change.id: change.verdict for change in changes}
    before = [JudgedHit(row.at, row.kind, row.link, row.verdict) for row in rows]
    after = [
        JudgedHit(row.at, row.kind, row.link, verdicts.get(row.id, row.verdict)) for row in rows
    ]
    return contribution(before), contribution(after)
