"""Statistics: of an issue, a newsletter, a publication, an appeal or a sponsor."""

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.analytics.statistics.definitions import define
from digest.analytics.statistics.issues import issue_report
from digest.analytics.statistics.newsletters import newsletter_report
from digest.analytics.statistics.publications import summarize
from digest.analytics.statistics.sponsors import sponsor_report
from digest.analytics.statistics.tables import (
    issue_sheets,
    newsletter_sheets,
    sponsor_sheets,
    summary_sheets,
)
from digest.analytics.statistics.values import number_values
from digest.api.authentication import caller_of
from digest.api.lookup import get_newsletter, get_publication
from digest.api.routing import Operations
from digest.api.schemas import Id, Payload, Slug
from digest.core import clock
from digest.newsletters.models import Appeal

router = Operations(tags=["statistics"])

Share = Annotated[float | None, Field(description="From 0 to 1; null where nothing was delivered.")]


class PeriodQuery(Payload):
    """A period that ends now."""

    days: Annotated[int, Field(ge=1, le=3650)] = 30


class NumbersOut(BaseModel):
    """What became of an issue, or of several together."""

    delivered: Annotated[int, Field(description=define("delivered"))]
    clickers: Annotated[int, Field(description=define("clickers"))]
    click_rate: Share
    clicks: Annotated[int, Field(description=define("clicks"))]
    filtered_clicks: Annotated[int, Field(description=define("filtered"))]
    uncertain_clicks: Annotated[int, Field(description=define("uncertain_clicks"))]
    opens: Annotated[int, Field(description=define("opens"))]
    uncertain_opens: Annotated[int, Field(description=define("uncertain_opens"))]
    unsubscribes: Annotated[int, Field(description=define("unsubscribes"))]
    unsubscribe_rate: Share
    bounces: Annotated[int, Field(description=define("bounces"))]
    bounce_rate: Share
    complaints: Annotated[int, Field(description=define("complaints"))]
    complaint_rate: Share


class LinkOut(BaseModel):
    """A link of an issue's mail."""

    link: str
    url: str
    block: str
    unique_clicks: Annotated[int, Field(description=define("unique_clicks"))]
    click_rate: Share
    clicks: int
    filtered_clicks: int


class HourOut(BaseModel):
    """An hour, and the clicks by people within it."""

    hour: datetime
    clicks: int
    clickers: Annotated[int, Field(description=define("first_clickers"))]


class AnswerOut(BaseModel):
    """An answer to a feedback question."""

    answer: str
    people: Annotated[int, Field(description=define("answers"))]
    share: Share
    question: str
    filtered_clicks: int


class IssueStatisticsOut(BaseModel):
    """The report of an issue."""

    issue: int
    is_about: Annotated[bool, Field(description=define("clickers", of_visitors=True))]
    numbers: NumbersOut
    average: Annotated[NumbersOut, Field(description=define("average"))]
    compared_issues: int
    links: list[LinkOut]
    hours: list[HourOut]
    answers: list[AnswerOut]


class IssueRowOut(BaseModel):
    """An issue with its numbers."""

    issue_id: int
    issue: str
    sent_at: datetime
    delivered: int
    clickers: int
    click_rate: Share
    clicks: int
    filtered_clicks: int
    unsubscribes: int
    bounces: int
    complaints: int


class SubjectOut(BaseModel):
    """An issue with clicks, by its subject."""

    issue_id: int
    subject: str
    sent_at: datetime
    delivered: int
    clickers: int
    click_rate: Share


class TimeOut(BaseModel):
    """A weekday and an hour in the publication's zone."""

    time: str
    issues: int
    delivered: int
    clickers: int
    click_rate: Share


class TopicOut(BaseModel):
    """A topic of stories."""

    topic: str
    stories: int
    unique_clicks: int
    clicks_per_story: float


class DayOut(BaseModel):
    """How many joined and left on a day (UTC)."""

    day: date
    joined: int
    left: int


class SourceGrowthOut(BaseModel):
    """How many joined and left, by where they signed up."""

    source: str
    joined: int
    left: int
    name: Annotated[str, Field(description="Of the sign-up form, if it is one.")]


class OriginOut(BaseModel):
    """How many signed up on a page, led there by a campaign."""

    page: str
    campaign: Annotated[str, Field(description="As in an address: utm_source=…&utm_medium=…")]
    requests: Annotated[int, Field(description=define("requests"))]
    confirmed: Annotated[int, Field(description=define("confirmed"))]


class CohortOut(BaseModel):
    """Those who joined in a month."""

    month: Annotated[date, Field(description="Its first day.")]
    joined: int
    retained: Annotated[list[float], Field(description=define("retention"))]


class NewsletterStatisticsOut(BaseModel):
    """The report of a newsletter."""

    newsletter: str
    list_size: Annotated[int, Field(description=define("list_size"))]
    numbers: NumbersOut
    issues: list[IssueRowOut]
    subjects: Annotated[list[SubjectOut], Field(description=define("best"))]
    times: Annotated[list[TimeOut], Field(description=define("best"))]
    topics: list[TopicOut]
    growth: list[DayOut]
    sources: list[SourceGrowthOut]
    origins: list[OriginOut]
    cohorts: list[CohortOut]


class NewsletterRowOut(BaseModel):
    """A newsletter within the period."""

    newsletter: str
    list_size: int
    issues: int
    numbers: NumbersOut


class PublicationStatisticsOut(BaseModel):
    """The newsletters of a publication within the period."""

    publication: str
    days: int
    list_size: int
    numbers: NumbersOut
    newsletters: list[NewsletterRowOut]
    issues: list[IssueRowOut]


class RunOut(BaseModel):
    """Impressions and clicks of an appeal or a sponsor."""

    impressions: Annotated[int, Field(description=define("impressions"))]
    clicks: int
    unique_clicks: int
    click_share: Share


class DayRunOut(RunOut):
    """On one day, in the publication's zone."""

    day: date


class IssueRunOut(RunOut):
    """In one issue."""

    issue_id: int
    issue: str
    sent_at: datetime


class AppealStatisticsOut(BaseModel):
    """The report of an appeal or a sponsor."""

    appeal: int
    total: RunOut
    days: list[DayRunOut]
    issues: list[IssueRunOut]


@router.read("/issues/{issue_id}/statistics", Scope.STATISTICS_READ, returns=IssueStatisticsOut)
def show_issue_statistics(request: HttpRequest, issue_id: Id) -> Any:
    """Show what became of an issue: clicks by people, links, the first 48 hours, and more."""
    issue = get_object_or_404(caller_of(request).scope.issues(), pk=issue_id)
    report = issue_report(issue, clock.now())
    links, hours, *answers = issue_sheets(report)
    return {
        "issue": issue.pk,
        "is_about": report.is_about,
        "numbers": number_values(report.numbers),
        "average": number_values(report.average),
        "compared_issues": report.compared,
        "links": links.values(),
        "hours": hours.values(),
        "answers": answers[0].values() if answers else [],
    }


@router.read(
    "/newsletters/{slug}/statistics", Scope.STATISTICS_READ, returns=NewsletterStatisticsOut
)
def show_newsletter_statistics(request: HttpRequest, slug: Slug, query: Query[PeriodQuery]) -> Any:
    """Show how a newsletter does: its last 100 issues, growth in the last days, cohorts."""
    newsletter = get_newsletter(caller_of(request), slug)
    report = newsletter_report(newsletter, clock.now(), query.days)
    sheets = {sheet.name: sheet for sheet in newsletter_sheets(report)}
    return {
        "newsletter": newsletter.slug,
        "list_size": report.list_size,
        "numbers": number_values(report.together),
        "issues": sheets["issues"].values("issue_id"),
        "subjects": sheets["subjects"].values("issue_id"),
        "times": sheets["times"].values(),
        "topics": sheets["topics"].values(),
        "growth": [
            {"day": day, "joined": joined, "left": left} for day, joined, left in report.days
        ],
        "sources": [row._asdict() for row in report.sources],
        "origins": [row._asdict() for row in report.origins],
        "cohorts": report.cohorts,
    }


@router.read(
    "/publications/{slug}/statistics", Scope.STATISTICS_READ, returns=PublicationStatisticsOut
)
def show_publication_statistics(request: HttpRequest, slug: Slug, query: Query[PeriodQuery]) -> Any:
    """Show how the newsletters of a publication did in the last days."""
    caller = caller_of(request)
    publication = get_publication(caller, slug)
    newsletters = caller.scope.newsletters().filter(publication=publication).order_by("slug")
    summary = summarize(list(newsletters), clock.now(), query.days)
    rows = [
        {
            "newsletter": row.newsletter.slug,
            "list_size": row.list_size,
            "issues": row.issues,
            "numbers": number_values(row.numbers),
        }
        for row in summary.newsletters
    ]
    issues = summary_sheets(summary, publication.timezone)[1]
    return {
        "publication": publication.slug,
        "days": summary.days,
        "list_size": summary.list_size,
        "numbers": number_values(summary.numbers),
        "newsletters": rows,
        "issues": issues.values("issue_id"),
    }


@router.read("/appeals/{appeal_id}/statistics", Scope.STATISTICS_READ, returns=AppealStatisticsOut)
def show_appeal_statistics(request: HttpRequest, appeal_id: Id) -> Any:
    """Show the impressions and clicks of an appeal or a sponsor, by day and by issue."""
    appeals = caller_of(request).scope.filter(Appeal.objects.select_related("publication"))
    report = sponsor_report(get_object_or_404(appeals, pk=appeal_id), clock.now())
    days, issues = sponsor_sheets(report)
    total = report.total
    return {
        "appeal": report.appeal.pk,
        "total": {
            "impressions": total.impressions,
            "clicks": total.clicks,
            "unique_clicks": total.unique_clicks,
            "click_share": total.click_share,
        },
        "days": days.values(),
        "issues": issues.values("issue_id"),
    }
