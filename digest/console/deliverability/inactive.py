"""Inactive subscribers: the rule of each newsletter, and how many it touches."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from digest.bounces.models import Sunset, SunsetQuestion
from digest.bounces.sunset import asking, rules
from digest.console.access import record_action, scope_of
from digest.console.pages import action_view, done, page_view, render_page
from digest.core import clock
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter

TEMPLATE = "console/deliverability/inactive.html"


class SunsetForm(forms.ModelForm):  # type: ignore[type-arg]
    """The rule of a newsletter."""

    class Meta:
        model = Sunset
        fields = ("issues", "months", "active")
        labels = {
            "issues": "Issues received, at least",
            "months": "Months without a sign of life",
            "active": "Ask inactive subscribers, and pause those who do not answer",
        }


@page_view(Right.MANAGE)
def inactive(request: HttpRequest) -> HttpResponse:
    """Show each newsletter's rule with a forecast."""
    return _page(request)


@action_view(Right.MANAGE)
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Save the rule of a newsletter."""
    newsletter = get_object_or_404(_newsletters(request), pk=pk)
    sunset = asking.rule_of(newsletter)
    form = SunsetForm(request.POST, instance=sunset, prefix=str(pk))
    if form.is_valid():
        problem = asking.obstacle(form.instance, clock.now()) if form.instance.active else ""
        if not problem:
            form.save()
            action = f"set inactive subscribers to {sunset}"
            record_action(request, action, newsletter, newsletter.publication_id)
            return done(request, f"{newsletter.name} saved.", "deliverability-inactive")
        form.add_error(None, problem)
    return _page(request, form)


def _page(request: HttpRequest, bound: SunsetForm | None = None) -> HttpResponse:
    rows = [_row(newsletter, bound) for newsletter in _newsletters(request)[:50]]
    return render_page(request, TEMPLATE, "Inactive subscribers", {"rows": rows})


def _row(newsletter: Newsletter, bound: SunsetForm | None) -> dict[str, Any]:
    prefix, sunset = str(newsletter.pk), asking.rule_of(newsletter)
    is_bound = bound is not None and bound.prefix == prefix
    forecast = rules.forecast(sunset, clock.now())
    return {
        "newsletter": newsletter,
        "form": bound if is_bound else SunsetForm(instance=sunset, prefix=prefix),
        "problem": forecast.problem,
        "touched": forecast.inactive,
        "counts": [(label, forecast.outcomes[key]) for key, label in _OUTCOMES],
    }


_OUTCOMES = [(outcome.value, outcome.label) for outcome in SunsetQuestion.Outcome]


def _newsletters(request: HttpRequest) -> Any:
    newsletters = Newsletter.objects.select_related("publication").order_by("name", "pk")
    return scope_of(request, Right.MANAGE).filter(newsletters, "publication")
