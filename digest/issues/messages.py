"""Which appeal or sponsor a block of a new issue shows: they take turns.

    running     started, not ended, not paused, and allowed in the newsletter
    not spent   subscribers who were there all along have not had it as often as its cap allows
    priority    the highest first
    weight      shares come out right over many issues of a newsletter and cadence

There is no chance in it: whose turn it is follows from the issues before. Turns are counted since
the rules of one of them last changed, so that a newcomer does not catch up on what came before it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet

from digest.issues.models import Block, Issue
from digest.newsletters import appeals
from digest.newsletters.choices import ShownIn
from digest.newsletters.models import Appeal


@dataclass(frozen=True, slots=True)
class Candidate:
    """An appeal or sponsor that may be shown, and how often it was."""

    appeal_id: int
    priority: int
    weight: int
    times: int  # in issues before, since turns are counted
    last_shown: datetime | None
    is_spent: bool  # only subscribers who came later can still get it


def choose(candidates: Iterable[Candidate]) -> Candidate | None:
    """Return the one whose turn it is. Pure.

    By priority, then by weight (the divisors of Sainte-Laguë: in any run of issues each has its
    share, to one), then the one that was shown longest ago. Spent ones come behind all others.
    """
    return min(candidates, key=_order, default=None)


def _order(row: Candidate) -> tuple[bool, int, Fraction, bool, float, int]:
    quotient = Fraction(2 * row.times + 1, row.weight)
    last = row.last_shown.timestamp() if row.last_shown else 0.0
    return (row.is_spent, -row.priority, quotient, row.last_shown is not None, last, row.appeal_id)


class Turns:
    """The turns of one new issue: each appeal and sponsor is taken once."""

    def __init__(self, issue: Issue, now: datetime) -> None:
        self._issue = issue
        self._now = now
        self._taken = set[int]()

    def take(self, kind: str) -> Appeal | None:
        """Return whose turn it is among those of a kind; None if none is left."""
        rows = {row.pk: row for row in running(self._issue, kind, self._now, self._taken)}
        chosen = choose(_candidates(self._issue, rows.values()))
        if chosen is None:
            return None
        self._taken.add(chosen.appeal_id)
        return rows[chosen.appeal_id]


def running(
    issue: Issue, kind: str, now: datetime, excluded: Collection[int] = ()
) -> QuerySet[Appeal]:
    """Return what the issue's newsletter may show at `now`, without the ids `excluded`."""
    rows = Appeal.objects.filter(appeals.allowed_in(issue.newsletter), kind=kind)
    return (
        rows.filter(starts_at__lte=now, paused=False, archived_at=None)
        .exclude(ends_at__lte=now)
        .exclude(pk__in=excluded)
        .distinct()
    )


@transaction.atomic
def retire(appeal: Appeal, now: datetime) -> bool:
    """Delete an appeal, or archive one that ran; return whether it ran.

    Issues that are still to go out lose it.
    """
    blocks = Block.objects.filter(appeal=appeal)
    blocks.filter(issue__state__in=(Issue.State.DRAFT, Issue.State.BUILT)).update(appeal=None)
    has_run = blocks.exclude(issue__state=Issue.State.SKIPPED).exists()
    if has_run:
        appeals.archive(appeal, now)
    else:
        appeal.delete()
    return has_run


def _candidates(issue: Issue, appeals: Collection[Appeal]) -> list[Candidate]:
    since = max((_counted_from(row) for row in appeals), default=issue.slot)
    blocks = _shown_before(issue, appeals)
    counted = Count("pk", filter=Q(issue__slot__gte=since))
    rows = blocks.values("appeal").annotate(times=counted, last=Max("issue__slot"))
    history = {row["appeal"]: row for row in rows.order_by()}
    return [
        Candidate(
            appeal_id=appeal.pk,
            priority=appeal.priority,
            weight=appeal.weight,
            times=history[appeal.pk]["times"] if appeal.pk in history else 0,
            last_shown=history[appeal.pk]["last"] if appeal.pk in history else None,
            is_spent=_is_spent(appeal, issue, blocks),
        )
        for appeal in appeals
    ]


def _counted_from(appeal: Appeal) -> datetime:
    return max(appeal.starts_at, appeal.turns_since or appeal.starts_at)


def _shown_before(issue: Issue, appeals: Iterable[Appeal]) -> QuerySet[Block]:
    """Return the blocks that show these in other issues for the same subscribers."""
    unsent = (Issue.State.SKIPPED, Issue.State.CANCELLED)
    blocks = Block.objects.filter(appeal__in=[row.pk for row in appeals], hidden=False)
    for_cadence = blocks.filter(issue__newsletter=issue.newsletter_id, issue__cadence=issue.cadence)
    return (
        for_cadence.exclude(issue__state__in=unsent)
        .exclude(issue=issue.pk)
        .exclude(issue__kind__in=[Issue.Kind.TEMPLATE, Issue.Kind.SERIES])
    )


def _is_spent(appeal: Appeal, issue: Issue, blocks: QuerySet[Block]) -> bool:
    if appeal.cap is None:
        return False
    carriers = blocks.filter(appeal=appeal).exclude(shown_in=ShownIn.WEB)
    if appeal.cap_days:
        carriers = carriers.filter(issue__slot__gt=issue.slot - timedelta(days=appeal.cap_days))
    return carriers.count() >= appeal.cap
