"""DMARC reports: who sends in the name of the publications' domains."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from digest.console import charts
from digest.console.access import scope_of
from digest.console.deliverability.results import PERIODS, days_of
from digest.console.pages import page_view, render_page
from digest.core import clock
from digest.newsletters.members import Right
from digest.reputation.dmarc import sources, storing
from digest.reputation.dmarc.sources import Source, Standing

REPORTS = 30


@page_view(Right.SEE)
def dmarc(request: HttpRequest) -> HttpResponse:
    """Show the sources of a period, with advice, and the latest reports."""
    senders = storing.sender_domains(scope_of(request, Right.SEE).publications())
    domains, days, now = storing.reported_domains(senders), days_of(request), clock.now()
    rows = sources.sources_of(domains, now, int(days))
    reports = sources.reports_of(domains, now, int(days))
    charted = sources.by_day(domains, now, int(days))
    title = "Mails in your name by day (UTC)"
    context = {
        "rows": [(row, _BADGES[row.standing], _advice(row)) for row in rows],
        "chart": charts.bars(charted, title, ("passed", "failed"), "mails a day"),
        "reports": [
            (row, clock.format_moment(row.begin), clock.format_moment(row.end))
            for row in reports[:REPORTS]
        ],
        "domains": domains,
        "address": f"dmarc@{settings.DIGEST_BOUNCE_DOMAIN}"
        if settings.DIGEST_BOUNCE_DOMAIN
        else "",
        "can_manage": scope_of(request, Right.MANAGE).is_everything,
        "days": days,
        "periods": PERIODS.items(),
    }
    return render_page(request, "console/deliverability/dmarc.html", "DMARC reports", context)


_BADGES: dict[Standing, tuple[str, str]] = {
    Standing.OWN: ("Your mail server", "success"),
    Standing.ALLOWED: ("Passes", "success"),
    Standing.FORWARDING: ("Forwards", ""),
    Standing.FAILING: ("Fails", "danger"),
}


def _advice(row: Source) -> str:
    """Say what to do about a source."""
    if row.standing == Standing.OWN:
        if row.pass_share >= sources.NEARLY_ALL:
            return "Nothing to do."
        return "Sign its mail with DKIM for your domain, and list its address in your SPF record."
    if row.standing == Standing.FAILING:
        return (
            "If this is a service of yours, set up DKIM or SPF for your domain there. If not, "
            "somebody uses your address: p=quarantine or p=reject in the DMARC record stops it."
        )
    if row.standing == Standing.FORWARDING:
        return "It passes mail on with your signature. Nothing to do."
    return "Your DNS allows it. If you do not know it, remove it from SPF and delete its DKIM key."
