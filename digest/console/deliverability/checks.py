"""The checks of our own DNS and mail: loaded behind the page, for they may take seconds."""

from collections.abc import Iterator

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from digest.console.access import scope_of
from digest.console.pages import page_view, render_fragment
from digest.core import addresses
from digest.core.findings import Finding, Level
from digest.doctor import one_click, reports, senders, signing, standing
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter

# Seconds that an answer of our own public address is held: a repair shows sooner.
WELL_FOR = 600
AMISS_FOR = 60


@page_view(Right.SEE)
def checks(request: HttpRequest) -> HttpResponse:
    """Check the DNS of the senders' domains."""
    emails = scope_of(request, Right.SEE).publications().values_list("sender_email", flat=True)
    domains = sorted({addresses.envelope(email).rpartition("@")[2].lower() for email in emails})
    groups = [(name, list(_check(name))) for name in domains[:10]]
    groups.append(("Unsubscribing", _check_one_click(request)))
    if scope_of(request, Right.MANAGE).is_everything:
        groups.append(("Mail servers", list(standing.check_pointers())))
    context = {
        "domains": [(name, findings) for name, findings in groups if findings],
        "again": reverse("deliverability-checks"),
    }
    return render_fragment(request, "console/deliverability/_checks.html", context)


def _check_one_click(request: HttpRequest) -> list[Finding]:
    """Try unsubscribing from a newsletter that the user may see, once in a while for all users."""
    newsletters = scope_of(request, Right.SEE).filter(Newsletter.objects.all(), "publication")
    newsletter = newsletters.order_by("pk").first()
    if newsletter is None:
        return []
    key = f"one-click:{newsletter.pk}"
    findings: list[Finding] | None = cache.get(key)
    if findings is None:
        findings = list(one_click.check_one_click(newsletter))
        is_well = all(finding.level == Level.OK for finding in findings)
        cache.set(key, findings, WELL_FOR if is_well else AMISS_FOR)
    return findings


def _check(name: str) -> Iterator[Finding]:
    yield from senders.check_domain(name)
    yield from reports.check_reports(name)
    yield from standing.check_standing(name)
    yield from signing.check_domain_keys(name)
