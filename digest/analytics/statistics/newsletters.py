"""The report of a newsletter: its issues, subjects, times and topics, and its subscribers.

What is best is decided by the lower end of an interval, so that chance does not win.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from digest.analytics.statistics.issues import SentIssue, sent_issues
from digest.analytics.statistics.rates import lower_bound
from digest.analytics.statistics.totals import Numbers, together
from digest.core import clock
from digest.core.database.statements import fetch_rows
from digest.issues.experiments.models import Experiment
from digest.newsletters.models import Newsletter
from digest.newsletters.signup_forms.saving import names_of_sources
from digest.subscribers import growth
from digest.subscribers.growth import OriginCount

ISSUES = 100  # the newest
BEST = 10
TOPICS = 20
MONTHS = 12  # of growth and cohorts


class Time(NamedTuple):
    """A day of the week (Monday is 0) and an hour, in the publication's zone."""

    weekday: int
    hour: int
    issues: int
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the people who clicked its stories."""

    name: str
    stories: int
    unique_clicks: int

    @property
    def clicks_per_story(self) -> float:
        """People who clicked, on average."""
        return self.unique_clicks / self.stories


class SourceGrowth(NamedTuple):
    """How many joined and left, of those who signed up in some place."""

    source: str
    joined: int
    left: int
    name: str = ""  # of the form, where it is one


class CohortRow(NamedTuple):
    """Those who joined in a month; the share still subscribed after 0, 1, 2 ... months."""

    month: date
    joined: int
    retained: Sequence[float]


@dataclass(frozen=True, slots=True)
class NewsletterReport:
    """How a newsletter is doing."""

    newsletter: Newsletter
    list_size: int
    issues: Sequence[SentIssue]  # the newest first
    together: Numbers
    best: Sequence[SentIssue]
    best_subjects: Mapping[int, str]  # of those with another subject than the issue's own, by id
    times: Sequence[Time]  # the best first
    topics: Sequence[Topic]
    days: Sequence[tuple[date, int, int]]  # joined, left
    sources: Sequence[SourceGrowth]
    origins: Sequence[OriginCount]
    cohorts: Sequence[CohortRow]


def newsletter_report(newsletter: Newsletter, now: datetime, days: int = 90) -> NewsletterReport:
    """Return the report of a newsletter; growth is of the last days."""
    issues = sent_issues(newsletter, ISSUES)
    best = best_issues(issues)
    first = now.date() - timedelta(days=days - 1)
    month = _months_before(now.date(), MONTHS - 1)
    return NewsletterReport(
        newsletter=newsletter,
        list_size=growth.list_size([newsletter.pk]),
        issues=issues,
        together=together(row.numbers for row in issues),
        best=best,
        best_subjects=winning_subjects([row.issue.pk for row in best]),
        times=best_times(issues, clock.zone(newsletter.publication.timezone)),
        topics=topics([row.issue.pk for row in issues]),
        days=growth.count_by_day([newsletter.pk], days, now),
        sources=source_growth(newsletter, first),
        origins=growth.count_by_origin(newsletter.pk, first),
        cohorts=cohorts(growth.count_cohorts(newsletter.pk, month), now.date()),
    )


def source_growth(newsletter: Newsletter, first: date) -> list[SourceGrowth]:
    """Return how many joined and left since a day (UTC), by where they signed up."""
    rows = growth.count_by_source(newsletter.pk, first)
    names = names_of_sources(source for source, _, _ in rows)
    return [SourceGrowth(*row, names.get(row[0], "")) for row in rows]


def best_issues(issues: Sequence[SentIssue], most: int = BEST) -> list[SentIssue]:
    """Return the issues with clicks whose rate is surely the highest. Pure."""
    clicked = [row for row in issues if row.numbers.clickers]
    return sorted(clicked, key=lambda row: -_bound(row.numbers))[:most]


def winning_subjects(issue_ids: Collection[int]) -> dict[int, str]:
    """Return the subject that most mails had, of issues in which another than their own won."""
    experiments = Experiment.objects.filter(
        issue__in=issue_ids, kind=Experiment.Kind.SUBJECTS, winner__gt=0
    )
    return {row.issue_id: row.subjects[(row.winner or 0) - 1] for row in experiments}


def best_times(issues: Sequence[SentIssue], zone: ZoneInfo) -> list[Time]:
    """Return when issues went out, by weekday and hour in a zone, the best first. Pure."""
    groups: defaultdict[tuple[int, int], list[Numbers]] = defaultdict(list)
    for row in issues:
        at = row.issue.goes_at.astimezone(zone)
        groups[at.weekday(), at.hour].append(row.numbers)
    times = [Time(*key, len(rows), together(rows)) for key, rows in groups.items()]
    return sorted(times, key=lambda time: (-_bound(time.numbers), time.weekday, time.hour))


def topics(issue_ids: Sequence[int], most: int = TOPICS) -> list[Topic]:
    """Return the topics of stories that these issues link to, most people first."""
    return [Topic(*row) for row in fetch_rows(_TOPICS, [list(issue_ids), most])]


# A story may have several links, and nobody is counted twice for its picture and its headline: the
# link with most people counts.
_TOPICS = """
WITH stories AS (
    SELECT story.id, story.topics, coalesce(max(totals.unique_clicks), 0) AS unique_clicks
    FROM issues_trackedlink AS link JOIN issues_story AS story ON story.id = link.story_id
    LEFT JOIN analytics_linktotals AS totals ON totals.link_id = link.id
    WHERE link.issue_id = ANY(%s) AND link.in_mail AND NOT story.left_out GROUP BY story.id
)
SELECT topic, count(*), sum(unique_clicks)::bigint
FROM stories, unnest(stories.topics) AS topic
GROUP BY topic ORDER BY 3 DESC, 1 LIMIT %s
"""


def cohorts(rows: Sequence[tuple[date, date | None, int]], today: date) -> list[CohortRow]:
    """Return each month's cohort, the newest first, until this month. Pure.

    `rows` are the month of joining, that of leaving or None, and how many.
    """
    joined: defaultdict[date, int] = defaultdict(int)
    left: defaultdict[tuple[date, int], int] = defaultdict(int)
    for month, end, number in rows:
        if end is None:
            joined[month] += number
        else:
            left[month, max(months_between(month, end), 0)] += number
    return [
        CohortRow(month, joined[month], _retained(month, joined[month], left, today))
        for month in sorted(joined, reverse=True)
        if joined[month] > 0
    ]


def months_between(first: date, last: date) -> int:
    """Return how many months lie between two days' months. Pure."""
    return (last.year - first.year) * 12 + last.month - first.month


def _retained(
    month: date, joined: int, left: dict[tuple[date, int], int], today: date
) -> list[float]:
    shares, remaining = [], joined
    for age in range(months_between(month, today) + 1):
        remaining -= left.get((month, age), 0)
        shares.append(max(remaining, 0) / joined)
    return shares


def _bound(numbers: Numbers) -> float:
    return lower_bound(numbers.clickers, numbers.delivered)


def _months_before(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)
