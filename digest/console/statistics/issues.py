"""The results of an issue: the card on its page, its report, and the map of its mail."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.clickjacking import xframe_options_sameorigin

from digest.analytics.experiments import reporting
from digest.analytics.statistics.issues import OUT, IssueReport, issue_report
from digest.analytics.statistics.tables import issue_sheets
from digest.console.access import get_issue
from digest.console.issues import previews
from digest.console.pages import page_view, render_fragment, render_page
from digest.console.statistics import figures, mail_map
from digest.console.statistics.sheets import csv_response
from digest.console.statistics.trends import hours_chart
from digest.console.statistics.views import not_counted
from digest.core import clock
from digest.core.errors import DigestError
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.sending import outgoing
from digest.sending.compiling import compiled_for


@page_view(Right.SEE)
def results(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an issue's key figures; polled during the first 48 hours."""
    row = get_issue(request, pk)
    context = card(request, row)
    if context is None:
        raise Http404
    context |= {"issue": row, "link": True}
    return render_fragment(request, "console/statistics/_issue.html", context)


@page_view(Right.SEE)
def statistics(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show the report of an issue that went out."""
    row = get_issue(request, pk)
    if not went_out(row):
        raise Http404
    report = issue_report(row, clock.now())
    sheets = issue_sheets(report)
    if file := csv_response(request, sheets, f"issue-{row.pk}"):
        return file
    zone = row.newsletter.publication.timezone
    context = _card_of(request, report) | {
        "issue": row,
        "went_out": clock.format_moment(row.goes_at, clock.zone(zone)),
        "hours_chart": hours_chart(report.hours, zone),
        "links": sheets[0],
        "answers": sheets[2] if len(sheets) > 2 else None,
        "test": reporting.report_of(row),
    }
    context |= {"refresh": False, "definitions": figures.definitions(context["figures"])}
    return render_page(request, "console/statistics/issue.html", "Statistics", context)


@page_view(Right.SEE)
@xframe_options_sameorigin
def mail_map_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an issue's mail with the clicks drawn over it; `?scheme=` is light or dark."""
    row = get_issue(request, pk)
    if not went_out(row):
        raise Http404
    report = issue_report(row, clock.now())
    try:
        html = previews.force_scheme(_html(row), request.GET.get("scheme", ""))
        clicks = [*report.links, *report.answers]
        response = HttpResponse(mail_map.draw(html, clicks, report.numbers.delivered))
    except DigestError as problem:
        response = HttpResponse(str(problem), content_type="text/plain; charset=utf-8")
    response.headers["Content-Security-Policy"] = previews.POLICY
    return response


def card(request: HttpRequest, issue: Issue) -> dict[str, Any] | None:
    """Return the context of `_issue.html`; None for an issue that has not gone out."""
    if not went_out(issue):
        return None
    return _card_of(request, issue_report(issue, clock.now()))


def went_out(issue: Issue) -> bool:
    """Say whether mails of an issue were sent, or are."""
    return issue.state in OUT and issue.planned_at is not None


def _card_of(request: HttpRequest, report: IssueReport) -> dict[str, Any]:
    publication = report.issue.newsletter.publication
    clicks = report.numbers.clicks + len(report.links)
    return {
        "figures": figures.of_issue(report),
        "compared": report.compared,
        "is_fresh": report.is_fresh,
        "refresh": report.is_fresh and report.issue.state != Issue.State.CANCELLED,
        "at": clock.format_moment(clock.now(), clock.zone(publication.timezone)),
        **not_counted(request, publication, clicks=clicks),
    }


def _html(issue: Issue) -> str:
    """Return the HTML of a sample of the mail, with anchors."""
    message = message_from_bytes(outgoing.compose_sample(issue), policy=policy.default)
    assert isinstance(message, EmailMessage)
    part = message.get_body(("html",))
    assert part is not None  # every issue has HTML
    html = part.get_content().replace("\r\n", "\n")
    return previews.with_anchors(html, compiled_for(issue))
