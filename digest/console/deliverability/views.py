"""The page of all domains, the page of one, and the checks of the senders' DNS."""

from collections.abc import Iterator
from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse

from digest.bounces import results
from digest.bounces.results import Result
from digest.console import charts
from digest.console.access import scope_of
from digest.console.pages import page_view, render_fragment, render_page
from digest.core import addresses, clock
from digest.core.findings import Finding
from digest.doctor import senders, signing, standing
from digest.issues.models import Issue
from digest.newsletters.members import Right

PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days"}
MOST_ISSUES = 500  # in a period; the newest


@page_view(Right.SEE)
def overview(request: HttpRequest) -> HttpResponse:
    """Show the results of a period by recipient domain."""
    days = _days(request)
    issues = _issues(request, days)
    rows = results.by_domain([issue.pk for issue in issues])
    dropped = {drop.domain: drop for drop in results.drops(_scoped(request), clock.now())}
    context = {
        "rows": [(row, _tone(row, dropped=row.label in dropped)) for row in rows],
        "total": _total(rows),
        "drops": list(dropped.values()),
        "issues": len(issues),
        "can_manage": not scope_of(request, Right.MANAGE).is_empty,
        "days": days,
        "periods": PERIODS.items(),
    }
    return render_page(request, "console/deliverability/overview.html", "Deliverability", context)


@page_view(Right.SEE)
def domain(request: HttpRequest, name: str) -> HttpResponse:
    """Show one domain over time, and to those who may see subscribers, what it said."""
    days = _days(request)
    issues = _issues(request, days)
    counted = results.by_issue([issue.pk for issue in issues], name)
    if not counted:
        raise Http404
    rows = [(issue, counted[issue.pk]) for issue in issues if issue.pk in counted]
    charted = [
        (f"{issue.goes_at:%-d %b}", row.delivered, row.refused + row.bounced)
        for issue, row in reversed(rows[:30])
    ]
    scope = scope_of(request, Right.SUBSCRIBERS)
    readable = scope.issues().filter(pk__in=[issue.pk for issue, _ in rows])
    context = {
        "domain": name,
        "chart": charts.bars(charted, f"Mails to {name}", ("delivered", "refused or bounced")),
        "rows": rows[:50],
        "bounces": [
            (row, clock.format_moment(row.at))
            for row in results.latest_bounces(list(readable.values_list("pk", flat=True)), name)
        ],
        "can_read": not scope.is_empty,
        "days": days,
        "periods": PERIODS.items(),
    }
    return render_page(request, "console/deliverability/domain.html", name, context)


@page_view(Right.SEE)
def checks(request: HttpRequest) -> HttpResponse:
    """Check the DNS of the senders' domains: loaded behind the page, for it may take seconds."""
    emails = scope_of(request, Right.SEE).publications().values_list("sender_email", flat=True)
    domains = sorted({addresses.envelope(email).rpartition("@")[2].lower() for email in emails})
    groups = [(name, list(_check(name))) for name in domains[:10]]
    if scope_of(request, Right.MANAGE).is_everything:
        groups.append(("Mail servers", list(standing.check_pointers())))
    context = {"domains": [(name, findings) for name, findings in groups if findings]}
    return render_fragment(request, "console/deliverability/_checks.html", context)


def _check(name: str) -> Iterator[Finding]:
    yield from senders.check_domain(name)
    yield from standing.check_standing(name)
    yield from signing.check_domain_keys(name)


def _days(request: HttpRequest) -> str:
    days = request.GET.get("days", "30")
    return days if days in PERIODS else "30"


def _scoped(request: HttpRequest) -> list[int]:
    since = clock.now() - timedelta(days=40)
    issues = scope_of(request, Right.SEE).issues().filter(slot__gt=since)
    return list(issues.order_by("-slot").values_list("pk", flat=True)[:MOST_ISSUES])


def _issues(request: HttpRequest, days: str) -> list[Issue]:
    since = clock.now() - timedelta(days=int(days))
    issues = scope_of(request, Right.SEE).issues().filter(slot__gt=since)
    return list(
        issues.filter(domain_results__isnull=False).distinct().order_by("-slot")[:MOST_ISSUES]
    )


def _total(rows: list[Result]) -> Result:
    names = ("sent", "deferred", "refused", "bounced", "complaints")
    return Result("", *(sum(getattr(row, name) for row in rows) for name in names))


def _tone(row: Result, *, dropped: bool) -> str:
    """Return the badge of a domain: danger, warning, or none."""
    if dropped or row.complaint_share >= results.TOO_MANY_COMPLAINTS:
        return "danger"
    return "warning" if row.attempted >= 20 and row.delivered_share < 0.95 else ""
