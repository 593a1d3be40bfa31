"""The charts of reports."""

from collections.abc import Sequence

from digest.analytics.statistics.issues import SentIssue
from digest.analytics.statistics.links import Hour
from digest.analytics.statistics.sponsors import DayRun
from digest.console import charts
from digest.console.charts import Chart
from digest.core import clock
from digest.core.text import counted

ISSUES = 30  # in a chart, the newest


def issues_chart(issues: Sequence[SentIssue], timezone: str) -> Chart | None:
    """Return the people who clicked and the unsubscribes of the last issues, the oldest first."""
    zone = clock.zone(timezone)
    rows = [
        (
            f"{row.issue.goes_at.astimezone(zone):%-d %b %H:%M}",
            row.numbers.clickers,
            row.numbers.unsubscribes,
        )
        for row in reversed(issues[:ISSUES])
    ]
    return charts.columns(
        rows,
        f"Clicks of the last {counted(len(rows), 'issue')}",
        f"Times in {timezone}.",
        ("people who clicked", "unsubscribes"),
    )


def hours_chart(hours: Sequence[Hour], timezone: str) -> Chart | None:
    """Return the clicks by people in each hour, and the people whose first click it brought.

    Hours begin where those of UTC do: in India, at half past.
    """
    zone = clock.zone(timezone)
    rows = [
        (f"{hour.start.astimezone(zone):%a %H:%M}", hour.clickers, hour.clicks) for hour in hours
    ]
    total = sum(hour.clicks for hour in hours)
    summary = f"{counted(total, 'click')} by people. Times in {timezone}."
    labels = ("people, at their first click", "all clicks")
    return charts.columns(rows, "Clicks by hour", summary, labels)


def days_chart(days: Sequence[DayRun]) -> Chart | None:
    """Return the clicks on an appeal or a sponsor by day."""
    rows = [(f"{run.day:%-d %b}", run.unique_clicks, run.clicks) for run in days]
    summary = f"{counted(sum(run.clicks for run in days), 'click')} by people."
    return charts.columns(rows, "Clicks by day", summary, ("people who clicked", "all clicks"))
