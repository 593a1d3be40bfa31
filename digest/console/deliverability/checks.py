"""The checks of our own DNS and mail: loaded behind the page, for they may take seconds."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse

from digest.console.access import scope_of
from digest.console.pages import page_view, render_fragment
from digest.core import addresses
from digest.core.findings import Finding
from digest.doctor import one_click, reports, senders, signing, standing
from digest.newsletters.members import Right


@page_view(Right.SEE)
def checks(request: HttpRequest) -> HttpResponse:
    """Check the DNS of the senders' domains."""
    emails = scope_of(request, Right.SEE).publications().values_list("sender_email", flat=True)
    domains = sorted({addresses.envelope(email).rpartition("@")[2].lower() for email in emails})
    groups = [(name, list(_check(name))) for name in domains[:10]]
    groups.append(("Unsubscribing", list(one_click.check_one_click())))
    if scope_of(request, Right.MANAGE).is_everything:
        groups.append(("Mail servers", list(standing.check_pointers())))
    context = {"domains": [(name, findings) for name, findings in groups if findings]}
    return render_fragment(request, "console/deliverability/_checks.html", context)


def _check(name: str) -> Iterator[Finding]:
    yield from senders.check_domain(name)
    yield from reports.check_reports(name)
    yield from standing.check_standing(name)
    yield from signing.check_domain_keys(name)
