"""The operators' page: what runs where, what is due, disks, clocks; and the doctor's checks."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from digest import __version__
from digest.console.pages import page_view, render_fragment, render_page
from digest.core import clock
from digest.core.findings import Finding, Level
from digest.doctor.checks import run_checks
from digest.monitoring.status import Group, Status, read_status
from digest.newsletters.members import Right

QUEUES = {
    "chunks": "Emails, first attempt",
    "deliveries": "Emails, tried again",
    "notices": "Confirmations and other notices",
    "refusals": "Refusals to be settled",
    "sign_ups": "Sign-ups to be settled",
    "sources": "Sources to be polled",
    "webhooks": "Webhook deliveries",
}


@page_view(Right.MANAGE, everywhere=True)
def system(request: HttpRequest) -> HttpResponse:
    """Show what runs where."""
    return _render(request, {})


@page_view(Right.MANAGE, everywhere=True)
def checks(request: HttpRequest) -> HttpResponse:
    """Run the checks of `digest doctor`; what is wrong comes first."""
    order = [Level.FAIL, Level.WARN, Level.OK]
    findings: list[Finding] = sorted(
        run_checks(clock.now()), key=lambda finding: order.index(finding.level)
    )
    context = {"domains": [("", findings)], "again": reverse("system-checks")}
    if request.headers.get("HX-Request"):
        return render_fragment(request, "console/deliverability/_checks.html", context)
    return _render(request, context)


def _render(request: HttpRequest, findings: dict[str, Any]) -> HttpResponse:
    """Return the page, with the findings of the checks where they were run."""
    now = clock.now()
    status = read_status(now)
    context = {
        "status": status,
        "version": __version__,
        "read_at": clock.format_moment(now),
        "beat": clock.in_words(status.beat_at - now) if status.beat_at else "never",
        "backup": clock.format_moment(status.backup.made_at) if status.backup else "",
        "groups": [_group(group) for group in status.groups],
        "queues": _queues(status),
    }
    return render_page(request, "console/system.html", "System", context | findings)


def _group(group: Group) -> dict[str, Any]:
    return {
        "row": group,
        "since": clock.format_moment(group.since),
        "name": f"{group.process} ({group.number})" if group.number > 1 else group.process,
    }


def _queues(status: Status) -> list[dict[str, Any]]:
    rows = ((QUEUES.get(queue.name, queue.name), queue) for queue in status.queues)
    return [
        {"name": name, "row": queue, "oldest": _in_words(queue.oldest)}
        for name, queue in sorted(rows)
    ]


def _in_words(span: timedelta) -> str:
    """Say a span to a person; nothing for one that is over at once."""
    return "" if span < timedelta(seconds=1) else clock.in_words(-span).removesuffix(" ago")
