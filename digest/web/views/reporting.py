"""The report of a sponsor or an appeal for whoever has its link, without an account."""

from collections.abc import Sequence
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from digest.analytics.statistics import report_links
from digest.analytics.statistics.sponsors import DayRun, sponsor_report
from digest.core import clock, languages
from digest.core.errors import LinkError
from digest.web import visitor
from digest.web.refusals import refuse_link

GAP = 0.2  # between bars, of their distance


class Bar(NamedTuple):
    """A bar of a chart 100 wide and 30 high."""

    x: float
    width: float
    height: float


@require_safe
@never_cache
def sponsor(request: HttpRequest, token: str) -> HttpResponse:
    """Show the report of a link, until it is revoked."""
    try:
        link = report_links.open_link(token)
    except LinkError as problem:
        return refuse_link(request, problem)
    report = sponsor_report(link.appeal, clock.now())
    publication = link.appeal.publication
    context = {
        "appeal": link.appeal,
        "report": report,
        "bars": bars(report.days),
        "zone": clock.zone(publication.timezone),
    }
    with languages.override(visitor.language(request, publication.language)):
        return render(request, "report/sponsor.html.j2", context)


def bars(days: Sequence[DayRun]) -> list[Bar]:
    """Return a bar for the clicks of each day; none without clicks. Pure."""
    most = max((run.clicks for run in days), default=0)
    if not most:
        return []
    step = 100 / len(days)
    width = round(step * (1 - GAP), 3)
    return [
        Bar(round(number * step, 3), width, round(run.clicks / most * 28, 3))
        for number, run in enumerate(days)
    ]
