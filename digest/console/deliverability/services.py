"""What Google Postmaster Tools and Microsoft SNDS say, and the forms that connect them."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from digest.console import charts
from digest.console.access import record_action, scope_of
from digest.console.charts import Chart
from digest.console.pages import action_view, done, page_view, problems_on, render_page, report
from digest.core import clock
from digest.core.text import counted
from digest.newsletters.members import Right
from digest.reputation.models import ServiceConnection, ServiceReading
from digest.reputation.services import collecting, connecting
from digest.reputation.services.kinds import KINDS

DAYS = 30
SPAM_LIMIT = 0.003  # of the mails; Gmail asks for less than 0.001
LINES = 4
PAGE = "deliverability-services"


class ConnectionForm(forms.Form):
    """The key of a service; it is never shown again."""

    secret = forms.CharField(
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, kind: str, data: Any = None) -> None:
        super().__init__(data, prefix=kind)
        field = self.fields["secret"]
        field.label, field.help_text = KINDS[kind].secret


@page_view(Right.SEE)
def services(request: HttpRequest) -> HttpResponse:
    """Show the readings of both services."""
    return _page(request)


@action_view(Right.MANAGE, everywhere=True)
def connect(request: HttpRequest, kind: str) -> HttpResponse:
    """Store the key of a service."""
    form = ConnectionForm(_checked(kind), request.POST)
    if form.is_valid():
        with problems_on(form):
            connecting.connect(kind, form.cleaned_data["secret"], clock.now())
            name = KINDS[kind].name
            record_action(request, f"connected {name}", None)
            return done(
                request, f"{name} is connected. Its first answer comes within minutes.", PAGE
            )
    return _page(request, kind, form, status=422)


@action_view(Right.MANAGE, everywhere=True)
def test(request: HttpRequest, kind: str) -> HttpResponse:
    """Ask a service now."""
    record_action(request, f"asked {KINDS[_checked(kind)].name}", None)
    report(request, lambda: _collect(kind))
    return redirect(PAGE)


@action_view(Right.MANAGE, everywhere=True)
def remove(request: HttpRequest, kind: str) -> HttpResponse:
    """Delete the key of a service; its readings stay."""
    ServiceConnection.objects.filter(kind=_checked(kind)).delete()
    record_action(request, f"disconnected {KINDS[kind].name}", None)
    return done(request, f"{KINDS[kind].name} is disconnected.", PAGE)


def _checked(kind: str) -> str:
    if kind not in KINDS:
        raise Http404
    return kind


def _collect(kind: str) -> str:
    number = collecting.collect(connecting.find(kind), clock.now())
    return f"{KINDS[kind].name} answered: {counted(number, 'reading')}."


def _page(
    request: HttpRequest, kind: str = "", form: ConnectionForm | None = None, *, status: int = 200
) -> HttpResponse:
    can_manage = scope_of(request, Right.MANAGE).is_everything
    stored = {row.kind: row for row in ServiceConnection.objects.all()}
    since = clock.now().date() - timedelta(days=DAYS)
    context = {
        "services": [
            {
                "kind": key,
                "name": adapter.name,
                "connection": stored.get(key),
                "collected": _moment(stored[key].collected_at) if key in stored else "",
                "form": form if form and key == kind else ConnectionForm(key),
            }
            for key, adapter in KINDS.items()
        ],
        "can_manage": can_manage,
        "domains": _google(request, since),
        "chart": _spam_chart(_readings("postmaster", since, _domains(request))),
        "addresses": _microsoft(since) if scope_of(request, Right.SEE).is_everything else [],
        "unmet": stored["postmaster"].unmet if can_manage and "postmaster" in stored else [],
    }
    template = "console/deliverability/services.html"
    return render_page(request, template, "Gmail and Outlook.com", context, status=status)


def _google(request: HttpRequest, since: date) -> list[tuple[ServiceReading, str]]:
    """Return the newest reading of each domain, with the badge of its spam."""
    newest = _newest(_readings("postmaster", since, _domains(request)))
    return [(row, "danger" if (row.spam_share or 0) >= SPAM_LIMIT else "success") for row in newest]


def _microsoft(since: date) -> list[tuple[ServiceReading, str]]:
    """Return the newest reading of each address, with the badge of its colour."""
    return [(row, _COLORS.get(row.color, "")) for row in _newest(_readings("snds", since))]


_COLORS = {"green": "success", "yellow": "warning", "red": "danger"}


def _domains(request: HttpRequest) -> list[str]:
    rows = scope_of(request, Right.SEE).publications()
    return sorted({publication.sender_domain.lower() for publication in rows})


def _readings(
    kind: str, since: date, subjects: Iterable[str] | None = None
) -> list[ServiceReading]:
    rows = ServiceReading.objects.filter(kind=kind, day__gte=since).order_by("day", "subject")
    return list(rows if subjects is None else rows.filter(subject__in=list(subjects)))


def _newest(rows: Sequence[ServiceReading]) -> list[ServiceReading]:
    return [row for _, row in sorted({row.subject: row for row in rows}.items())]


def _spam_chart(rows: Sequence[ServiceReading]) -> Chart | None:
    domains = list(dict.fromkeys(row.subject for row in rows))[:LINES]
    days: dict[date, dict[str, float | None]] = {}
    for row in rows:
        share = None if row.spam_share is None else round(row.spam_share * 100, 2)
        days.setdefault(row.day, {})[row.subject] = share
    charted = [
        (f"{day:%-d %b}", *(shares.get(domain) for domain in domains))
        for day, shares in days.items()
    ]
    summary = "In percent, by day, as Gmail counts them."
    return charts.lines(charted, "Mails that people reported as spam", summary, domains)


def _moment(at: datetime | None) -> str:
    return clock.format_moment(at) if at else ""
