"""What goes out between two moments: issues, and slots of schedules that have no issue yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from digest.issues import approval
from digest.issues.changing import OPEN
from digest.issues.models import Issue
from digest.newsletters import schedules
from digest.newsletters.models import Newsletter

MOST_ISSUES = 1_000
MOST_SLOTS = 200  # of one newsletter: an hourly one has 744 a month

State = Issue.State


@dataclass(frozen=True, slots=True)
class Entry:
    """An issue, or a slot for which none was built yet, and when it goes out (UTC)."""

    newsletter: Newsletter
    moment: datetime
    issue: Issue | None = None

    @property
    def needs_approval(self) -> bool:
        """Whether somebody has to approve it first."""
        return bool(
            self.issue and self.issue.state == State.DRAFT and approval.is_needed(self.issue)
        )

    @property
    def can_move(self) -> bool:
        """Whether `scheduling.send_at` may give it another time; a slot's is its schedule's."""
        issue = self.issue
        if issue is None or issue.state not in OPEN or issue.planned_at:
            return False
        return issue.goes_by_itself or not approval.is_needed(issue)


def entries(
    issues: QuerySet[Issue],
    newsletters: Iterable[Newsletter],
    begin: datetime,
    end: datetime,
    now: datetime,
) -> list[Entry]:
    """Return what goes out, or went out, with begin <= moment < end, in order.

    Of the issues and newsletters given: at most `MOST_ISSUES` issues and `MOST_SLOTS` slots of a
    newsletter. Drafts without a time are not among them (`untimed`), nor are slots that are over.
    """
    between = timed(issues).filter(moment__gte=begin, moment__lt=end).order_by("moment", "pk")
    rows = [Entry(row.newsletter, row.goes_at, row) for row in between[:MOST_ISSUES]]
    slots = [
        entry for newsletter in newsletters for entry in _slots(newsletter, max(begin, now), end)
    ]
    if slots:
        rows += _without_issue(slots, issues)
    return sorted(rows, key=lambda entry: (entry.moment, entry.newsletter.name))


def untimed(issues: QuerySet[Issue]) -> QuerySet[Issue]:
    """Return the drafts that go out when somebody sends them, the latest first."""
    return issues.filter(_UNTIMED).order_by("-built_at", "-pk")


_UNTIMED = Q(state=State.DRAFT, send_at=None) & (Q(kind=Issue.Kind.MANUAL) | Q(on_hold=True))


def timed(issues: QuerySet[Issue]) -> Any:
    """Return the others, with the `moment` when each goes out, or did."""
    return issues.exclude(_UNTIMED).annotate(moment=Coalesce("send_at", "slot"))


def _slots(newsletter: Newsletter, begin: datetime, end: datetime) -> list[Entry]:
    rule = schedules.current_rule(newsletter)
    if rule is None:
        return []
    slots = (slot for slot in schedules.slots(rule, begin, end) if slot < end)
    return [Entry(newsletter, slot) for slot in islice(slots, MOST_SLOTS)]


def _without_issue(slots: list[Entry], issues: QuerySet[Issue]) -> list[Entry]:
    """Return the slots that have no issue, not even one that was moved or skipped."""
    first, last = min(row.moment for row in slots), max(row.moment for row in slots)
    built = set(issues.filter(slot__range=(first, last)).values_list("newsletter", "slot"))
    return [row for row in slots if (row.newsletter.pk, row.moment) not in built]
