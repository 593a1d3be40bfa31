"""The warm-up of a mail server: its plan day by day, what was sent, and how long an issue takes."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from digest.bounces.results import tables
from digest.console import charts
from digest.console.access import record_action
from digest.console.charts import Chart
from digest.console.pages import done, form_view, problems_on, render_page
from digest.core import clock
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.relays import registry
from digest.relays.models import Relay
from digest.relays.registry import RelayOptions
from digest.relays.warming import PACE_HOURS, Warming
from digest.reputation import warm_up
from digest.reputation.warm_up import Progress
from digest.subscribers import growth

TEMPLATE = "console/relays/warm_up.html"
NEWSLETTERS = 20


class PlanForm(forms.Form):
    """The numbers of a plan."""

    start = forms.IntegerField(label="Messages on the first day", min_value=1)
    growth = forms.FloatField(
        label="Daily growth factor", min_value=1, max_value=100, help_text="1.5 to 2 is usual."
    )
    until = forms.IntegerField(
        label="Up to (messages a day)", min_value=1, help_text="From there on there is no limit."
    )


@form_view(Right.MANAGE, everywhere=True)
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the plan; start it, change its numbers, or stop it."""
    relay = get_object_or_404(Relay, pk=pk)
    form = PlanForm(request.POST or None, initial=_numbers(relay))
    verb = request.POST.get("verb", "")
    if verb == "stop":
        registry.change(relay, "", RelayOptions(end_warming=True))
        record_action(request, "stopped a warm-up", relay)
        return done(request, f"{relay.name} sends without a warm-up.", "relay-warm-up", pk)
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            _save(relay, form.cleaned_data, clock.now().date(), restart=verb == "start")
            action = "started" if verb == "start" else "changed"
            record_action(request, f"{action} a warm-up", relay)
            return done(request, f"The warm-up of {relay.name} is saved.", "relay-warm-up", pk)
    return _page(request, relay, form)


def _save(relay: Relay, numbers: dict[str, Any], today: date, *, restart: bool) -> None:
    """Save a plan that begins today, or that goes on from the day on which it began."""
    plan = registry.start_warming(today, numbers["start"], numbers["growth"], numbers["until"])
    since = relay.warming_since
    if since and not restart:
        plan = Warming(since, plan.start, plan.growth, plan.until)
    registry.change(relay, "", RelayOptions(warming=plan))


def _page(request: HttpRequest, relay: Relay, form: PlanForm) -> HttpResponse:
    now, plan = clock.now(), registry.warming_of(relay)
    progress = warm_up.progress(relay, plan, now) if plan else None
    context = {
        "relay": relay,
        "plan": plan,
        "form": form,
        "progress": progress,
        "left": max(0, (progress.allowed_today or 0) - progress.sent_today) if progress else 0,
        "chart": _chart(progress) if progress else None,
        "forecasts": _forecasts(plan, progress, now) if plan and progress else [],
        "hours": PACE_HOURS,
    }
    return render_page(request, TEMPLATE, f"Warm-up of {relay.name}", context)


def _chart(progress: Progress) -> Chart | None:
    rows = [(f"{row.day:%-d %b}", row.allowed, row.sent) for row in progress.days]
    summary = "Days in UTC. Each attempt to send a message counts."
    return charts.columns(rows, "Messages a day", summary, ("allowed", "sent"))


def _forecasts(
    plan: Warming, progress: Progress, now: datetime
) -> list[tuple[Newsletter, int, tuple[int, date] | None]]:
    """Return how long the next issue of each newsletter would take, if it began now."""
    newsletters = list(Newsletter.objects.sending().select_related("publication").order_by("name"))[
        :NEWSLETTERS
    ]
    sizes = growth.list_sizes([newsletter.pk for newsletter in newsletters])
    return [
        (
            newsletter,
            sizes[newsletter.pk],
            warm_up.days_to_send(
                plan,
                now,
                sizes[newsletter.pk],
                spent=progress.sent_today,
                to_one_domain=_to_largest_domain(newsletter, sizes[newsletter.pk]),
            ),
        )
        for newsletter in newsletters
        if sizes[newsletter.pk] > 0
    ]


def _to_largest_domain(newsletter: Newsletter, subscribers: int) -> int:
    """Return how many subscribers are at the largest domain, by the last issue that was sent."""
    issue = Issue.objects.filter(newsletter=newsletter, domain_results__isnull=False)
    latest = issue.order_by("-slot").first()
    rows = tables.by_domain([latest.pk], most=100) if latest else []
    tried = sum(row.tried for row in rows)
    largest = max((row.tried for row in rows if row.label), default=0)
    return subscribers * largest // tried if tried else 0


def _numbers(relay: Relay) -> dict[str, Any]:
    return {
        "start": relay.warming_start,
        "growth": relay.warming_growth,
        "until": relay.warming_until,
    }
