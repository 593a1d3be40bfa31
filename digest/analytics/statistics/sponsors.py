"""The report of an appeal or a sponsor: its impressions and the clicks by people."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Sum
from django.db.models.functions import TruncDate

from digest.analytics.models import LinkHour, LinkTotals
from digest.analytics.statistics.rates import share
from digest.core import clock
from digest.issues.models import Issue, TrackedLink
from digest.newsletters.models import Appeal, Tracking
from digest.sending.appearances import impressions

ISSUES = 1_000  # the newest


@dataclass(frozen=True, slots=True)
class Run:
    """The message in one issue, or on one day."""

    impressions: int
    clicks: int
    unique_clicks: int

    @property
    def click_share(self) -> float | None:
        """People who clicked, by impressions, from 0 to 1."""
        return share(self.unique_clicks, self.impressions)


@dataclass(frozen=True, slots=True)
class IssueRun(Run):
    """The message in one issue."""

    issue: Issue


@dataclass(frozen=True, slots=True)
class DayRun(Run):
    """The message on one day, in the publication's zone; impressions on the day of the issue."""

    day: date


@dataclass(frozen=True, slots=True)
class SponsorReport:
    """How a message did."""

    appeal: Appeal
    issues: Sequence[IssueRun]  # the newest first
    days: Sequence[DayRun]  # the oldest first
    at: datetime

    @property
    def total(self) -> Run:
        """All issues together."""
        return _together(self.issues)

    @property
    def is_about(self) -> bool:
        """Whether people are only told apart by device, network and day."""
        return self.appeal.publication.tracking == Tracking.AGGREGATE

    @property
    def is_counted(self) -> bool:
        """Whether clicks are counted, or were."""
        tracked = self.appeal.publication.tracking != Tracking.NONE
        return tracked or bool(self.total.clicks)


def sponsor_report(appeal: Appeal, now: datetime) -> SponsorReport:
    """Return the report of an appeal or a sponsor, of all issues that carried it."""
    counted = impressions(appeal, ISSUES)
    links = dict(
        TrackedLink.objects.filter(appeal_id=appeal.pk, issue__in=[row.pk for row, _ in counted])
        .exclude(kind=TrackedLink.Kind.TRAP)
        .values_list("pk", "issue_id")
    )
    totals: defaultdict[int, list[LinkTotals]] = defaultdict(list)
    for row in LinkTotals.objects.filter(link_id__in=links):
        totals[links[row.link_id]].append(row)
    runs = [
        IssueRun(
            sent,
            sum(row.clicks for row in totals[issue.pk]),
            max((row.unique_clicks for row in totals[issue.pk]), default=0),
            issue,
        )
        for issue, sent in counted
    ]
    return SponsorReport(appeal, runs, _days(appeal, runs, list(links)), now)


def _days(appeal: Appeal, runs: Sequence[IssueRun], links: Sequence[int]) -> list[DayRun]:
    zone = clock.zone(appeal.publication.timezone)
    sent: defaultdict[date, int] = defaultdict(int)
    for run in runs:
        if run.impressions:
            sent[run.issue.goes_at.astimezone(zone).date()] += run.impressions
    clicks = _clicks_by_day(links, zone)
    return [DayRun(sent[day], *clicks.get(day, (0, 0)), day) for day in sorted({*sent, *clicks})]


def _clicks_by_day(links: Sequence[int], zone: ZoneInfo) -> dict[date, tuple[int, int]]:
    """Return clicks and visitors by day; of an issue's links, the one with most visitors counts."""
    rows = LinkHour.objects.filter(link_id__in=links).annotate(day=TruncDate("hour", tzinfo=zone))
    sums = rows.values_list("day", "issue_id", "link_id")
    clicks, visitors = Counter[date](), Counter[tuple[date, int]]()
    for day, issue_id, _, number, unique in sums.annotate(Sum("clicks"), Sum("unique_clicks")):
        clicks[day] += number
        visitors[day, issue_id] = max(visitors[day, issue_id], unique)
    by_day = Counter[date]()
    for (day, _), number in visitors.items():
        by_day[day] += number
    return {day: (number, by_day[day]) for day, number in clicks.items() if number}


def _together(runs: Sequence[Run]) -> Run:
    return Run(
        sum(run.impressions for run in runs),
        sum(run.clicks for run in runs),
        sum(run.unique_clicks for run in runs),
    )
