"""The page of all destinations, and the page of one: a mailbox provider or a domain."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse

from digest.bounces.drops import detecting
from digest.bounces.drops.comparing import TOO_MANY_COMPLAINTS
from digest.bounces.models import DomainResult, Drop
from digest.bounces.results import tables
from digest.bounces.results.values import Result
from digest.console import charts
from digest.console.access import scope_of
from digest.console.charts import Chart
from digest.console.pages import page_view, render_page
from digest.core import clock
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.newsletters.models import Publication, Tracking
from digest.reputation.recipients.providers import name_of, providers

PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days"}
MOST_ISSUES = 500  # in a period; the newest
LINES = 4  # destinations in a chart
FEWEST = 20  # mails, for a share to be marked
FEWEST_SUBSCRIBERS = 3  # who got a reply, for those who may not see subscribers


@page_view(Right.SEE)
def overview(request: HttpRequest) -> HttpResponse:
    """Show the results of a period by mailbox provider and by domain."""
    days = days_of(request)
    issues = _issues(request, days)
    issue_ids = [issue.pk for issue in issues]
    rows, destinations = tables.by_domain(issue_ids), tables.by_destination(issue_ids)
    drops = open_drops(request)
    dropped = {drop.destination for drop in drops}
    total = Result.total("", destinations)
    context = {
        "rows": [(row, _tone(row, dropped)) for row in rows],
        "destinations": [(row, name_of(row.label), _tone(row, dropped)) for row in destinations],
        "chart": _trouble_chart(issue_ids, [row.label for row in destinations if row.label]),
        "total": total,
        "uncounted": uncounted_publications(issue_ids),
        "drops": [(drop, name_of(drop.destination), detecting.summary_of(drop)) for drop in drops],
        "issues": len(issues),
        "can_manage": not scope_of(request, Right.MANAGE).is_empty,
        "days": days,
        "periods": PERIODS.items(),
    }
    return render_page(request, "console/deliverability/overview.html", "Deliverability", context)


@page_view(Right.SEE)
def destination(request: HttpRequest, name: str) -> HttpResponse:
    """Show one destination over time, and what it replied."""
    days = days_of(request)
    issues = _issues(request, days)
    issue_ids = [issue.pk for issue in issues]
    domains = tables.domains_of(issue_ids, name)
    if not domains:
        raise Http404
    counted = tables.by_issue(issue_ids, domains)
    rows = [(issue, counted[issue.pk]) for issue in issues if issue.pk in counted]
    day_rows = tables.by_day(issue_ids, domains)
    drops = [drop for drop in open_drops(request) if drop.destination == name]
    context = {
        "name": name_of(name),
        "domains": domains if name in providers() else [],
        "chart": _days_chart(day_rows, name_of(name)),
        "day_rows": day_rows[::-1],
        "total": Result.total("", counted.values()),
        "uncounted": uncounted_publications(issue_ids),
        "drops": [detecting.summary_of(drop) for drop in drops],
        "rows": rows[:50],
        "days": days,
        "periods": PERIODS.items(),
        **_replies(request, [issue.pk for issue, _ in rows], domains),
    }
    return render_page(request, "console/deliverability/destination.html", name_of(name), context)


def open_drops(request: HttpRequest) -> list[Drop]:
    """Return the drops of the user's newsletters that are not over, the newest first."""
    rows = scope_of(request, Right.SEE).filter(
        Drop.objects.filter(ended_at=None), "newsletter__publication"
    )
    related = rows.select_related("newsletter", "issue__newsletter")
    return list(related.order_by("-noticed_at", "destination")[:20])


def uncounted_publications(issue_ids: Sequence[int]) -> list[str]:
    """Return the names of publications of issues that do not know who clicked, so not where."""
    rows = Publication.objects.filter(newsletters__issues__in=issue_ids)
    names = rows.exclude(tracking=Tracking.INDIVIDUAL).order_by("name")
    return list(names.values_list("name", flat=True).distinct())


def _replies(
    request: HttpRequest, issue_ids: Sequence[int], domains: Sequence[str]
) -> dict[str, Any]:
    """Return what the servers replied; single bounces for those who may see subscribers.

    A reply such as `User kim.smith unknown` names somebody, so others see what several got.
    """
    scope = scope_of(request, Right.SUBSCRIBERS)
    readable = list(scope.issues().filter(pk__in=issue_ids).values_list("pk", flat=True))
    bounces = tables.latest_bounces(readable, domains)
    fewest = 1 if len(readable) == len(issue_ids) else FEWEST_SUBSCRIBERS
    return {
        "replies": tables.frequent_replies(issue_ids, domains, fewest=fewest),
        "fewest": fewest,
        "bounces": [(row, clock.format_moment(row.at)) for row in bounces],
        "can_read": not scope.is_empty,
    }


def _trouble_chart(issue_ids: Sequence[int], destinations: Sequence[str]) -> Chart | None:
    """Return what share was refused or deferred by day, a line for each of the largest."""
    largest = list(destinations[:LINES])
    rows = [
        (
            f"{day:%-d %b}",
            *(results[key].trouble_percent if key in results else None for key in largest),
        )
        for day, results in tables.by_day_and_destination(issue_ids)
    ]
    summary = "In percent of the mails of each day (UTC); nothing where a provider got none."
    names = [name_of(key) for key in largest]
    return charts.lines(rows, "Refused or deferred", summary, names)


def _days_chart(rows: Sequence[tuple[Any, Result]], name: str) -> Chart | None:
    charted = [
        (f"{day:%-d %b}", row.delivered, row.refused + row.bounced) for day, row in rows[-90:]
    ]
    return charts.bars(
        charted, f"Mails to {name} by day (UTC)", ("delivered", "refused or bounced"), "mails"
    )


def days_of(request: HttpRequest) -> str:
    """Return the period that a request names, in days."""
    days = request.GET.get("days", "30")
    return days if days in PERIODS else "30"


def _issues(request: HttpRequest, days: str) -> list[Issue]:
    since = clock.now() - timedelta(days=int(days))
    issues = scope_of(request, Right.SEE).issues().filter(slot__gt=since)
    counted = Exists(DomainResult.objects.filter(issue=OuterRef("pk")))
    return list(issues.filter(counted).order_by("-slot")[:MOST_ISSUES])


def _tone(row: Result, dropped: set[str]) -> str:
    """Return the badge of a destination: danger, warning, or none."""
    if row.label in dropped or row.complaint_share >= TOO_MANY_COMPLAINTS:
        return "danger"
    return "warning" if row.attempted >= FEWEST and row.delivered_share < 0.95 else ""
