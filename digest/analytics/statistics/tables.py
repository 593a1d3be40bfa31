"""Reports as tables, each with its columns: for pages, CSV, the API and the command line. Pure."""

from collections import Counter
from collections.abc import Sequence

from digest.analytics.statistics.issues import IssueReport, SentIssue
from digest.analytics.statistics.links import LinkClicks
from digest.analytics.statistics.newsletters import NewsletterReport
from digest.analytics.statistics.publications import Summary
from digest.analytics.statistics.rates import share
from digest.analytics.statistics.sheets import Cell, Column, Kind, Sheet
from digest.analytics.statistics.sponsors import IssueRun, Run, SponsorReport
from digest.analytics.statistics.totals import Numbers
from digest.core.text import counted
from digest.issues.models import Issue

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SOURCES = {
    "": "Not recorded",
    "page": "Sign-up page",
    "catalogue": "Catalogue of newsletters",
    "script": "Form on a website",
    "mail": "By email",
    "import": "Import",
    "preferences": "Preferences page",
    "undo": "Undone unsubscribe",
}
_ISSUE = Column("issue", "Issue", Kind.TEXT)
_SENT_AT = Column("sent_at", "Sent", Kind.MOMENT)
_DELIVERED = Column("delivered", "Delivered", definition="delivered")
_CLICKERS = Column("clickers", "People who clicked", definition="clickers")
_RATE = Column("click_rate", "Click rate", Kind.SHARE, "click_rate")
_UNIQUE = Column("unique_clicks", "People who clicked", definition="unique_clicks")
_CLICKS = Column("clicks", "Clicks", definition="clicks")
_RESULTS = (
    _DELIVERED,
    _CLICKERS,
    _RATE,
    Column("clicks", "Clicks", definition="clicks"),
    Column("filtered_clicks", "Filtered clicks", definition="filtered"),
    Column("unsubscribes", "Unsubscribes", definition="unsubscribes"),
    Column("bounces", "Bounces", definition="bounces"),
    Column("complaints", "Complaints", definition="complaints"),
)


def issue_sheets(report: IssueReport) -> list[Sheet]:
    """Return the tables of an issue: its links, its first 48 hours, its answers if it asked."""
    zone = report.issue.newsletter.publication.timezone
    sheets = [_links(report), _hours(report, zone)]
    if report.answers:
        sheets.append(_answers(report.answers))
    return sheets


def newsletter_sheets(report: NewsletterReport) -> list[Sheet]:
    """Return the tables of a newsletter."""
    zone = report.newsletter.publication.timezone
    return [
        issues_sheet(report.issues, zone),
        _best(report, zone),
        _times(report, zone),
        _topics(report),
        _growth(report),
        _sources(report),
        _origins(report),
        _cohorts(report),
    ]


def summary_sheets(summary: Summary, timezone: str) -> list[Sheet]:
    """Return the tables of a publication, or of several: newsletters, and issues."""
    rows = [
        (row.newsletter.name, row.list_size, row.issues, *_results(row.numbers))
        for row in summary.newsletters
    ]
    columns = (
        Column("newsletter", "Newsletter", Kind.TEXT),
        Column("list_size", "Subscribers", definition="list_size"),
        Column("issues", "Issues"),
        *_RESULTS,
    )
    keys = [row.newsletter.pk for row in summary.newsletters]
    newsletters = Sheet("newsletters", "Newsletters", columns, rows, keys, "No newsletters yet.")
    return [newsletters, issues_sheet(summary.issues, timezone)]


def sponsor_sheets(report: SponsorReport) -> list[Sheet]:
    """Return the tables of an appeal or a sponsor: by issue and by day."""
    zone = report.appeal.publication.timezone
    runs = (
        Column("impressions", "Impressions", definition="impressions"),
        _CLICKS,
        _UNIQUE,
        Column("click_share", "Click rate", Kind.SHARE, "click_share"),
    )
    by_issue = [(*_name_of(run.issue), *_run(run)) for run in report.issues]
    by_day = [(run.day, *_run(run)) for run in report.days]
    empty = "It has not been sent in an issue yet."
    return [
        Sheet("days", "By day", (Column("day", "Day", Kind.DAY), *runs), by_day, (), empty, zone),
        Sheet(
            "issues",
            "By issue",
            (_ISSUE, _SENT_AT, *runs),
            by_issue,
            _keys(report.issues),
            empty,
            zone,
        ),
    ]


def issues_sheet(issues: Sequence[SentIssue], timezone: str) -> Sheet:
    """Return the table of issues with their numbers."""
    rows = [(*_name_of(row.issue), *_results(row.numbers)) for row in issues]
    columns = (_ISSUE, _SENT_AT, *_RESULTS)
    return Sheet("issues", "Issues", columns, rows, _keys(issues), _NOT_SENT, timezone)


_NOT_SENT = "No issue has been sent yet."


def source_label(source: str) -> str:
    """Return how a source of sign-ups is called; one that is not known, by its own name."""
    return SOURCES.get(source, source)


def _answers(answers: Sequence[LinkClicks]) -> Sheet:
    columns = (
        Column("answer", "Answer", Kind.TEXT),
        Column("people", "People", definition="answers"),
        Column("share", "Share", Kind.SHARE, "answer_share"),
        Column("question", "Question", Kind.TEXT),
        Column("filtered_clicks", "Filtered clicks", definition="filtered"),
    )
    answerers = Counter[int | None]()
    for row in answers:
        answerers[row.link.block_id] += row.unique_clicks
    rows = [
        (
            row.label,
            row.unique_clicks,
            share(row.unique_clicks, answerers[row.link.block_id]),
            row.question,
            row.filtered,
        )
        for row in answers
    ]
    return Sheet("answers", "Feedback", columns, rows)


def _links(report: IssueReport) -> Sheet:
    columns = (
        Column("link", "Link", Kind.TEXT),
        _UNIQUE,
        Column("click_rate", "Share of delivered", Kind.SHARE),
        _CLICKS,
        Column("filtered_clicks", "Filtered clicks", definition="filtered"),
        Column("block", "Block", Kind.TEXT),
        Column("url", "Address", Kind.TEXT),
    )
    delivered = report.numbers.delivered
    rows: list[tuple[Cell, ...]] = [
        (
            row.label,
            row.unique_clicks,
            row.unique_clicks / delivered if delivered else None,
            row.clicks,
            row.filtered,
            row.place,
            row.link.url,
        )
        for row in report.links
    ]
    return Sheet("links", "Links", columns, rows, empty="No link of this issue is tracked.")


def _hours(report: IssueReport, zone: str) -> Sheet:
    clickers = Column("clickers", "People who clicked first", definition="first_clickers")
    columns = (Column("hour", f"Hour from ({zone})", Kind.MOMENT), _CLICKS, clickers)
    rows = [(hour.start, hour.clicks, hour.clickers) for hour in report.hours]
    return Sheet("hours", "First 48 hours", columns, rows, timezone=zone)


def _best(report: NewsletterReport, zone: str) -> Sheet:
    columns = (
        Column("subject", "Subject", Kind.TEXT, "best"),
        _RATE,
        _CLICKERS,
        _DELIVERED,
        _SENT_AT,
    )
    rows: list[tuple[Cell, ...]] = []
    for row in report.best:
        subject, sent_at = _name_of(row.issue)
        subject = report.best_subjects.get(row.issue.pk, subject)
        rows.append((subject, *_clicking(row.numbers), sent_at))
    return Sheet("subjects", "Best subjects", columns, rows, _keys(report.best), _NO_CLICKS, zone)


_NO_CLICKS = "No clicks have been counted yet."


def _times(report: NewsletterReport, zone: str) -> Sheet:
    columns = (
        Column("time", f"Time ({zone})", Kind.TEXT, "best"),
        _RATE,
        _CLICKERS,
        _DELIVERED,
        Column("issues", "Issues"),
    )
    rows = [
        (f"{WEEKDAYS[row.weekday]}, {row.hour:02}:00", *_clicking(row.numbers), row.issues)
        for row in report.times
    ]
    return Sheet("times", "Best times", columns, rows, empty=_NOT_SENT)


def _topics(report: NewsletterReport) -> Sheet:
    columns = (
        Column("topic", "Topic", Kind.TEXT),
        Column("stories", "Stories"),
        _UNIQUE,
        Column("clicks_per_story", "Per story", definition="clicks_per_story"),
    )
    rows = [
        (row.name, row.stories, row.unique_clicks, row.clicks_per_story) for row in report.topics
    ]
    return Sheet("topics", "Stories by topic", columns, rows, empty=_NO_CLICKS)


def _growth(report: NewsletterReport) -> Sheet:
    columns = (
        Column("day", "Day (UTC)", Kind.DAY),
        Column("joined", "Joined", definition="joined"),
        Column("left", "Left", definition="left"),
    )
    return Sheet("growth", "Growth by day", columns, report.days[::-1])


def _sources(report: NewsletterReport) -> Sheet:
    columns = (
        Column("source", "Signed up", Kind.TEXT, "source"),
        Column("joined", "Joined", definition="joined"),
        Column("left", "Left", definition="left"),
        Column("change", "Change"),
    )
    rows = [
        (row.name or source_label(row.source), row.joined, row.left, row.joined - row.left)
        for row in report.sources
    ]
    empty = "Nobody joined or left in this period."
    return Sheet("sources", "Growth by source", columns, rows, empty=empty)


def _origins(report: NewsletterReport) -> Sheet:
    columns = (
        Column("page", "Page", Kind.TEXT, "origin"),
        Column("campaign", "Campaign", Kind.TEXT),
        Column("requests", "Signed up", definition="requests"),
        Column("confirmed", "Confirmed", definition="confirmed"),
    )
    rows = [(row.page, row.campaign, row.requests, row.confirmed) for row in report.origins]
    empty = "Nobody signed up on a page that is known in this period."
    return Sheet("origins", "Sign-ups by page and campaign", columns, rows, empty=empty)


def _cohorts(report: NewsletterReport) -> Sheet:
    ages = max((len(row.retained) for row in report.cohorts), default=0)
    columns = (
        Column("month", "Joined in", Kind.TEXT, "retention"),
        Column("joined", "Joined", definition="joined"),
        *(Column(f"month_{age}", _months(age), Kind.SHARE) for age in range(ages)),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            f"{row.month:%B %Y}",
            row.joined,
            *row.retained,
            *[None] * (ages - len(row.retained)),
        )
        for row in report.cohorts
    ]
    return Sheet("cohorts", "Retention by month", columns, rows, empty="Nobody has joined yet.")


def _months(number: int) -> str:
    return counted(number, "month")


def _results(numbers: Numbers) -> tuple[Cell, ...]:
    """Return the cells of `_RESULTS`."""
    return (
        numbers.delivered,
        numbers.clickers,
        numbers.click_rate,
        numbers.clicks,
        numbers.filtered,
        numbers.unsubscribes,
        numbers.bounces,
        numbers.complaints,
    )


def _clicking(numbers: Numbers) -> tuple[Cell, Cell, Cell]:
    """Return the cells of `_RATE`, `_CLICKERS` and `_DELIVERED`."""
    return (numbers.click_rate, numbers.clickers, numbers.delivered)


def _run(run: Run) -> tuple[Cell, ...]:
    return (run.impressions, run.clicks, run.unique_clicks, run.click_share)


def _name_of(issue: Issue) -> tuple[Cell, Cell]:
    return (issue.subject or str(issue), issue.goes_at)


def _keys(rows: Sequence[SentIssue] | Sequence[IssueRun]) -> list[int]:
    return [row.issue.pk for row in rows]
