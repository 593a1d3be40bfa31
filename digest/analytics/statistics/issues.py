"""The report of an issue, and the numbers of a newsletter's issues."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from digest.analytics.statistics import links
from digest.analytics.statistics.links import Hour, LinkClicks
from digest.analytics.statistics.totals import NOTHING, Numbers, numbers_of, together
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Tracking

COMPARED = 20  # issues before
FRESH = timedelta(hours=links.HOURS)

State = Issue.State
OUT = (State.SENDING, State.PAUSED, State.SENT, State.CANCELLED)


class SentIssue(NamedTuple):
    """An issue that went out, with its numbers."""

    issue: Issue
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class IssueReport:
    """What became of an issue."""

    issue: Issue
    numbers: Numbers
    average: Numbers  # of those before, together
    compared: int  # how many these are
    links: Sequence[LinkClicks]
    answers: Sequence[LinkClicks]
    hours: Sequence[Hour]
    is_fresh: bool  # less than 48 hours old: the numbers still change

    @property
    def is_about(self) -> bool:
        """Whether people are only told apart by device, network and day."""
        return self.issue.newsletter.publication.tracking == Tracking.AGGREGATE

    @property
    def is_counted(self) -> bool:
        """Whether clicks are counted, or were."""
        tracked = self.issue.newsletter.publication.tracking != Tracking.NONE
        return tracked or bool(self.links)


def issue_report(issue: Issue, now: datetime) -> IssueReport:
    """Return the report of an issue that is being sent, or was."""
    before = issues_before(issue)
    numbers = numbers_of([issue.pk, *before])
    rows = links.link_clicks(issue)
    start = went_out_at(issue)
    return IssueReport(
        issue=issue,
        numbers=numbers[issue.pk],
        average=together(numbers[key] for key in before) if before else NOTHING,
        compared=len(before),
        links=[row for row in rows if row.link.kind == links.Kind.LINK],
        answers=links.answers(rows),
        hours=links.hours(issue, start),
        is_fresh=now < start + FRESH,
    )


def went_out_at(issue: Issue) -> datetime:
    """Return when the first mails of an issue could arrive: its time, or when it was planned."""
    return min(issue.planned_at, issue.goes_at) if issue.planned_at else issue.goes_at


def issues_before(issue: Issue, most: int = COMPARED) -> list[int]:
    """Return the ids of the last issues of a newsletter that were sent before this one.

    A mail of a series is not like them, so nothing is compared with it.
    """
    if issue.is_of_series:
        return []
    rows = Issue.objects.filter(
        Issue.REGULAR,
        newsletter=issue.newsletter_id,
        cadence=issue.cadence,
        state=State.SENT,
        slot__lt=issue.slot,
    )
    return list(rows.order_by("-slot").values_list("pk", flat=True)[:most])


def sent_issues(newsletter: Newsletter, most: int = 100) -> list[SentIssue]:
    """Return the last issues of a newsletter that went out, the newest first."""
    rows = Issue.objects.filter(
        Issue.REGULAR, newsletter=newsletter, state__in=OUT, planned_at__isnull=False
    )
    return with_numbers(list(rows.order_by("-slot")[:most]))


def with_numbers(issues: Sequence[Issue]) -> list[SentIssue]:
    """Return issues with their numbers, in the same order."""
    numbers = numbers_of([issue.pk for issue in issues])
    return [SentIssue(issue, numbers[issue.pk]) for issue in issues]
