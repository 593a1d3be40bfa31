"""The report of an appeal or a sponsor, and the links under which others see it."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404

from digest.analytics.models import ReportLink
from digest.analytics.statistics import report_links
from digest.analytics.statistics.sponsors import sponsor_report
from digest.analytics.statistics.tables import sponsor_sheets
from digest.console.access import has_right, record_action, require_right, scope_of, user_of
from digest.console.pages import action_view, done, page_view, render_page
from digest.console.statistics import figures
from digest.console.statistics.sheets import csv_response
from digest.console.statistics.trends import days_chart
from digest.console.statistics.views import not_counted
from digest.core import clock
from digest.newsletters.members import Right
from digest.newsletters.models import Appeal

PAGE = "statistics-appeal"


@page_view(Right.SEE)
def sponsor(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show how an appeal or a sponsor did."""
    row = _find(request, pk)
    report = sponsor_report(row, clock.now())
    sheets = sponsor_sheets(report)
    if file := csv_response(request, sheets, f"appeal-{row.pk}"):
        return file
    row_figures = figures.of_sponsor(report)
    zone = clock.zone(row.publication.timezone)
    context: dict[str, Any] = {
        "appeal": row,
        "at": clock.format_moment(report.at, zone),
        "figures": row_figures,
        "definitions": figures.definitions(row_figures),
        "chart": days_chart(report.days),
        "days": sheets[0],
        "issues": sheets[1],
        "report_links": [_link_values(link) for link in _links(row)],
        "can_edit": has_right(request, Right.EDIT, row.publication_id),
    }
    context |= not_counted(request, row.publication, clicks=report.total.clicks)
    return render_page(request, "console/statistics/sponsor.html", str(row), context)


@action_view(Right.EDIT)
def create(request: HttpRequest, pk: int) -> HttpResponse:
    """Create a link to the report."""
    row = _find(request, pk)
    require_right(request, Right.EDIT, row.publication_id)
    report_links.create(row, user_of(request), clock.now())
    record_action(request, "created a link to the report", row, row.publication_id)
    return done(request, "The link was created.", PAGE, row.pk)


@action_view(Right.EDIT)
def revoke(request: HttpRequest, pk: int, link: int) -> HttpResponse:
    """Revoke a link to the report."""
    row = _find(request, pk)
    require_right(request, Right.EDIT, row.publication_id)
    if report_links.revoke(get_object_or_404(row.report_links, pk=link), clock.now()):
        record_action(request, "revoked a link to the report", row, row.publication_id)
    return done(request, "The link was revoked.", PAGE, row.pk)


def _find(request: HttpRequest, pk: int) -> Appeal:
    rows = scope_of(request, Right.SEE).filter(Appeal.objects.select_related("publication"))
    row: Appeal = get_object_or_404(rows, pk=pk)
    return row


def _links(appeal: Appeal) -> list[ReportLink]:
    return list(appeal.report_links.select_related("created_by").order_by("-pk"))


def _link_values(link: ReportLink) -> dict[str, Any]:
    zone = clock.zone(link.appeal.publication.timezone)
    return {
        "pk": link.pk,
        "url": "" if link.revoked_at else report_links.url_of(link),
        "by": link.created_by,
        "created": clock.format_moment(link.created_at, zone),
        "revoked": clock.format_moment(link.revoked_at, zone) if link.revoked_at else "",
    }
