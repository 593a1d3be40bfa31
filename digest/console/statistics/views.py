"""The statistics of publications, and of one newsletter."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from digest.analytics.statistics.newsletters import newsletter_report
from digest.analytics.statistics.publications import summarize
from digest.analytics.statistics.tables import newsletter_sheets, summary_sheets
from digest.console import charts
from digest.console.access import has_right, scope_of
from digest.console.pages import page_view, render_page
from digest.console.statistics import figures
from digest.console.statistics.sheets import csv_response
from digest.console.statistics.trends import issues_chart
from digest.core import clock
from digest.newsletters.members import Right
from digest.newsletters.models import Publication, Tracking

PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "A year"}


@page_view(Right.SEE)
def overview(request: HttpRequest, publication: int | None = None) -> HttpResponseBase:
    """Show how newsletters did, of every publication that the user may see or of one."""
    scope, days = scope_of(request, Right.SEE), _days(request, "30")
    publications = list(scope.publications().order_by("name"))
    chosen = get_object_or_404(scope.publications(), pk=publication) if publication else None
    rows = scope.newsletters().order_by("name")
    newsletters = list(rows.filter(publication=chosen) if chosen else rows)
    # Of some publications they may reach newsletters alone.
    of_newsletters = {row.publication for row in newsletters}
    shown_publications = [chosen] if chosen else list({*publications, *of_newsletters})
    summary = summarize(newsletters, clock.now(), int(days))
    zones = {row.timezone for row in shown_publications}
    zone = zones.pop() if len(zones) == 1 else "UTC"
    sheets = summary_sheets(summary, zone)
    if file := csv_response(request, sheets, "statistics"):
        return file
    row_figures = figures.of_numbers(
        summary.numbers, of_visitors=_is_aggregate(*shown_publications)
    )
    context: dict[str, Any] = {
        "publication": chosen,
        "publications": publications,
        "newsletters": sheets[0],
        "issues": sheets[1],
        "figures": [figures.of_list_size(summary.list_size), *row_figures],
        "definitions": figures.definitions(row_figures),
        "chart": issues_chart(summary.issues, zone),
        "days": days,
        "periods": PERIODS.items(),
        "csv": f"{request.path}?days={days}",
    }
    context |= not_counted(request, *shown_publications, clicks=summary.numbers.clicks)
    return render_page(request, "console/statistics/overview.html", "Statistics", context)


@page_view(Right.SEE)
def newsletter(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show the report of a newsletter."""
    row = get_object_or_404(scope_of(request, Right.SEE).newsletters(), pk=pk)
    days = _days(request, "90")
    report = newsletter_report(row, clock.now(), int(days))
    sheets = newsletter_sheets(report)
    if file := csv_response(request, sheets, row.slug):
        return file
    publication = row.publication
    row_figures = figures.of_numbers(report.together, of_visitors=_is_aggregate(publication))
    count = len(report.issues)
    context: dict[str, Any] = {
        "newsletter": row,
        "sheets": {sheet.name: sheet for sheet in sheets},
        "figures": [figures.of_list_size(report.list_size), *row_figures],
        "definitions": figures.definitions(row_figures),
        "issues_title": f"Last {count} issues together" if count > 1 else "Together",
        "chart": issues_chart(report.issues, publication.timezone),
        "growth_chart": charts.line(
            [(f"{day:%-d %b}", joined, left) for day, joined, left in report.days],
            f"Subscribers who joined and left in {days} days",
        ),
        "days": days,
        "periods": PERIODS.items(),
        "csv": f"{request.path}?days={days}",
    }
    context |= not_counted(request, publication, clicks=report.together.clicks)
    return render_page(request, "console/statistics/newsletter.html", "Statistics", context)


def not_counted(request: HttpRequest, *publications: Publication, clicks: int) -> dict[str, Any]:
    """Return the publication that counts nothing, for `_not_counted.html`; none if clicks exist."""
    silent = [row for row in publications if row.tracking == Tracking.NONE]
    if clicks or len(silent) < len(publications) or not silent:
        return {"not_counted": None}
    return {
        "not_counted": silent[0],
        "can_manage": has_right(request, Right.MANAGE, silent[0].pk),
    }


def _is_aggregate(*publications: Publication) -> bool:
    return any(row.tracking == Tracking.AGGREGATE for row in publications)


def _days(request: HttpRequest, usual: str) -> str:
    days = request.GET.get("days", usual)
    return days if days in PERIODS else usual
