"""The pages of series: the list, a series with its steps, and who is in it."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from digest.console import edit_conflicts
from digest.console.access import (
    has_right,
    parse_id,
    record_action,
    require_right,
    scope_of,
    user_of,
)
from digest.console.pages import action_view, done, form_view, page_view, problems_on, render_page
from digest.console.series.forms import NewForm, SettingsForm, delay_in_words
from digest.console.tables import Column, Filter, Rows, Table, build_table, search_in
from digest.core import clock
from digest.core.database.limits import within
from digest.newsletters.members import Right
from digest.series import editing, enrolling, switching
from digest.series.models import Enrolment, Series
from digest.series.numbers import numbers_in
from digest.subscribers import growth

PATIENCE = 500  # milliseconds
LIST_PATIENCE = 2_000  # milliseconds for a page of its subscribers
_TOO_SLOW = "No answer in time. Narrow it down, for example by a state."

State = Enrolment.State


@form_view(Right.SEE)
def listing(request: HttpRequest) -> HttpResponse:
    """List series; POST creates one."""
    newsletters = scope_of(request, Right.EDIT).newsletters()
    form = NewForm(newsletters, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            row = editing.create(**form.cleaned_data, by=user_of(request), now=clock.now())
            publication_id = row.newsletter.publication_id
            record_action(request, "created the series", row, publication_id)
            return done(request, "Write its first mail, then switch it on.", "series", row.pk)
    enrolments = Enrolment.objects.filter(series=OuterRef("pk"), state=State.ACTIVE).order_by()
    active = Subquery(enrolments.values("series").annotate(number=Count("pk")).values("number"))
    table = build_table(
        request,
        rows_of(request).annotate(active_now=Coalesce(active, 0)),
        (
            Column("Name", str, "name"),
            Column("Newsletter", lambda row: row.newsletter.name, "newsletter__name"),
            Column("Begins when", lambda row: row.get_trigger_display(), "trigger"),
            Column("State", lambda row: "On" if row.active else "Off", "active"),
            Column("In it now", lambda row: f"{row.active_now:,}"),
        ),
        label="Series",
        url=lambda row: reverse("series", args=[row.pk]),
        empty="No series yet. A welcome mail is a series with one step.",
    )
    context = {"table": table, "form": form, "can_edit": newsletters.exists()}
    return render_page(request, "console/series/list.html", "Series", context)


@form_view(Right.SEE)
def series(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a series with its steps in numbers; POST saves its settings."""
    row = get_series(request, pk)
    form = SettingsForm(row, scope_of(request, Right.EDIT), request.POST or None)
    if request.method == "POST":
        require_right(request, Right.EDIT, row.newsletter.publication_id, row.newsletter_id)
        if edit_conflicts.is_outdated(request, form.initial):
            form.add_error(None, edit_conflicts.CHANGED)
        if form.is_valid():
            with problems_on(form):
                editing.change(row, **form.cleaned_data)
                record_action(request, "changed the series", row, row.newsletter.publication_id)
                return done(request, "The settings were saved.", "series", pk)
    return render_page(
        request, "console/series/series.html", row.name, _context(request, row, form)
    )


def _context(request: HttpRequest, row: Series, form: SettingsForm) -> dict[str, Any]:
    now, place = clock.now(), (row.newsletter.publication_id, row.newsletter_id)
    numbers = numbers_in(row)
    can_send = has_right(request, Right.SEND, *place)
    forecast = None if row.active else switching.forecast(row, now)
    existing = None
    if can_send and not row.active and row.trigger == Series.Trigger.SIGN_UP:
        existing = _count_existing(row, now)
    return {
        "series": row,
        "form": form,
        "steps": [(step, delay_in_words(step.step.delay_minutes)) for step in numbers.steps],
        "states": [(State(name), number) for name, number in numbers.states.items()],
        "entered": numbers.entered,
        "problems": switching.problems_of(row, now),
        "forecast": forecast,
        "existing": existing,
        "can_edit": has_right(request, Right.EDIT, *place),
        "can_send": can_send,
        "can_see_subscribers": has_right(request, Right.SUBSCRIBERS, *place),
    }


def _count_existing(row: Series, now: datetime) -> int:
    """Return how many subscribers were never in a series; all of them if counting takes long."""
    number = within(PATIENCE, enrolling.outside(row, now).count)
    return growth.list_sizes([row.newsletter_id])[row.newsletter_id] if number is None else number


@action_view(Right.SEND)
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a series on or off; on, with the number of mails that the page has shown."""
    row, now = get_series(request, pk, Right.SEND), clock.now()
    existing = request.POST.get("existing") == "yes"
    with problems_on(request):
        if request.POST.get("active"):
            agreed = parse_id(request.POST.get("mails", ""))
            switching.switch_on(row, now, agreed=agreed, existing=existing)
        else:
            switching.switch_off(row, now)
        verb = "on" if row.active else "off"
        record_action(request, f"switched {verb} the series", row, row.newsletter.publication_id)
        return done(request, f"“{row}” is {verb}.", "series", pk)
    return redirect("series", pk=pk)


@action_view(Right.EDIT)
def add_step(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a step at the end, and open it."""
    row = get_series(request, pk, Right.EDIT)
    with problems_on(request):
        step = editing.add_step(row, user_of(request), clock.now())
        record_action(request, "added a step to the series", row, row.newsletter.publication_id)
        return done(
            request, "Say when the step goes out, and write its mail.", "series-step", step.pk
        )
    return redirect("series", pk=pk)


@action_view(Right.EDIT)
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """Move a step one place up or down (`step`, `move`)."""
    row = get_series(request, pk, Right.EDIT)
    ids = list(row.steps.order_by("position").values_list("pk", flat=True))
    moved = parse_id(request.POST.get("step", ""))
    if moved not in ids:
        raise Http404
    place = ids.index(moved)
    target = place + (1 if request.POST.get("move") == "down" else -1)
    if not 0 <= target < len(ids):
        return redirect("series", pk=pk)
    ids[place], ids[target] = ids[target], ids[place]
    with problems_on(request):
        editing.order_steps(row, ids)
        record_action(request, "ordered the steps of", row, row.newsletter.publication_id)
        return done(request, "The steps were put in order.", "series", pk)
    return redirect("series", pk=pk)


@action_view(Right.EDIT)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a series that is off."""
    row = get_series(request, pk, Right.EDIT)
    name = str(row)
    with problems_on(request):
        editing.delete(row, clock.now())
        record_action(request, "deleted the series", name, row.newsletter.publication_id)
        return done(request, f"“{name}” was deleted.", "series-list")
    return redirect("series", pk=pk)


@page_view(Right.SUBSCRIBERS)
def subscribers(request: HttpRequest, pk: int) -> HttpResponse:
    """List who is or was in a series, and where."""
    row = get_series(request, pk, Right.SUBSCRIBERS)
    rows = row.enrolments.select_related("subscriber", "next_step__draft")
    table = within(LIST_PATIENCE, partial(_enrolments, request, row, rows))
    if table is None:
        table = replace(_enrolments(request, row, rows.none()), empty=_TOO_SLOW)
    context = {"series": row, "table": table}
    return render_page(request, "console/series/subscribers.html", row.name, context)


def _enrolments(request: HttpRequest, row: Series, rows: Rows) -> Table:
    """Return a page of those who are or were in a series."""
    zone = clock.zone(row.newsletter.publication.timezone)
    steps = row.steps.select_related("draft").order_by("position")
    return build_table(
        request,
        rows,
        (
            Column("Address", lambda enrolment: enrolment.subscriber.email),
            Column("State", lambda enrolment: enrolment.get_state_display().capitalize()),
            Column("Next step", lambda enrolment: enrolment.next_step or "-"),
            Column("Due", lambda enrolment: _moment(enrolment.due_at, zone)),
            Column("Entered", lambda enrolment: _moment(enrolment.entered_at, zone)),
            Column("Ended", lambda enrolment: _moment(enrolment.ended_at, zone)),
        ),
        label="Subscribers of the series",
        url=lambda enrolment: reverse("subscriber", args=[enrolment.subscriber_id]),
        empty="Nobody has entered the series yet.",
        filters=(
            Filter("state", "State", State.choices, lambda rows, value: rows.filter(state=value)),
            Filter(
                "step",
                "Next step",
                [(str(step.pk), f"{step.number}. {step}") for step in steps],
                lambda rows, value: rows.filter(next_step=value),
            ),
        ),
        search=search_in("subscriber__email"),
        search_label="Address contains",
        keyset="-pk",
    )


@action_view(Right.SUBSCRIBERS)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a subscriber out of a series (`subscriber`)."""
    row = get_series(request, pk, Right.SUBSCRIBERS)
    visible = scope_of(request, Right.SUBSCRIBERS).subscribers()
    key = parse_id(request.POST.get("subscriber", ""))
    subscriber = get_object_or_404(visible, pk=key)
    with problems_on(request):
        enrolling.remove(row, subscriber, clock.now())
        publication_id = row.newsletter.publication_id
        record_action(request, f"took out of the series “{row}”", subscriber.email, publication_id)
        return done(
            request, f"{subscriber.email} was removed from “{row}”.", "subscriber", subscriber.pk
        )
    return redirect("subscriber", pk=subscriber.pk)


def rows_of(request: HttpRequest) -> QuerySet[Series]:
    """Return the series of newsletters that the user may see."""
    rows = Series.objects.select_related("newsletter__publication", "newsletter__schedule")
    return scope_of(request, Right.SEE).filter(rows, "newsletter__publication")


def get_series(request: HttpRequest, pk: int, right: Right = Right.SEE) -> Series:
    """Return a series that the user may see, or raise Http404; PermissionDenied without `right`."""
    row: Series = get_object_or_404(rows_of(request), pk=pk)
    require_right(request, right, row.newsletter.publication_id, row.newsletter_id)
    return row


def _moment(moment: Any, zone: Any) -> str:
    return clock.format_moment(moment, zone) if moment else "-"
