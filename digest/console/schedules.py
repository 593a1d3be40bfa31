"""Schedules: the next sends of each newsletter, in the time zones of its subscribers."""

from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.db.models import Count
from django.http import HttpRequest, HttpResponse

from digest.console.access import scope_of
from digest.console.pages import page_view, render_page
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters import schedules as rules
from digest.newsletters import timetable, zones
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.newsletters.publicity.states import SENDING
from digest.newsletters.timetable import Local
from digest.subscribers.models import Subscription
from digest.tenancy.scope import PublicationScope

SENDS = 10
MAX_ZONES = 6
OFFERED = 8  # zones to choose from
PRESELECTED = 3  # of the subscribers' zones, before anybody chooses
SAMPLE = 20_000  # latest subscribers whose zones are counted: as fast over a million
USUAL = (
    *("America/Los_Angeles", "America/New_York", "America/Sao_Paulo", "Europe/London"),
    *("Europe/Berlin", "Asia/Kolkata", "Asia/Tokyo", "Australia/Sydney"),
)


@page_view(Right.SEE)
def schedules(request: HttpRequest) -> HttpResponse:
    """Show the next sends of each newsletter, in the zones that are chosen."""
    scope = scope_of(request, Right.SEE)
    newsletters = scope.newsletters().filter(state__in=SENDING).order_by("name")
    common = subscriber_zones(scope)
    chosen, problem = _chosen(request, common)
    names = [zone.key for zone in chosen]
    offered = list(dict.fromkeys([*common, *USUAL]))[:OFFERED]
    context = {
        "tables": [_table(newsletter, chosen) for newsletter in newsletters],
        "zones": chosen,
        "offered": [(name, name in names) for name in dict.fromkeys([*offered, *names])],
        "all": sorted(available_timezones()),
        "problem": problem,
    }
    return render_page(request, "console/schedules.html", "Schedules", context)


def subscriber_zones(scope: PublicationScope) -> list[str]:
    """Return the zones of the latest subscribers, the most frequent first."""
    rows = scope.filter(Subscription.objects.all(), "newsletter__publication")
    counted = (
        Subscription.objects.filter(pk__in=rows.order_by("-pk").values("pk")[:SAMPLE])
        .exclude(subscriber__timezone="")
        .values_list("subscriber__timezone")
        .annotate(subscribers=Count("subscriber", distinct=True))
        .order_by("-subscribers", "subscriber__timezone")
    )
    valid = available_timezones()
    return [name for name, _ in counted[: 2 * OFFERED] if name in valid][:OFFERED]


def _chosen(request: HttpRequest, common: list[str]) -> tuple[list[ZoneInfo], str]:
    """Return the zones that were chosen, and what is wrong with the others."""
    if "zone" not in request.GET:
        return [ZoneInfo(name) for name in common[:PRESELECTED]], ""
    chosen: dict[str, ZoneInfo] = {}
    problem = ""
    for name in filter(str.strip, request.GET.getlist("zone")[:50]):
        try:
            zone = zones.named(name)
            chosen[zone.key] = zone
        except DigestError as error:
            problem = str(error)
    if len(chosen) > MAX_ZONES:
        problem = f"Choose at most {MAX_ZONES} time zones."
    return list(chosen.values())[:MAX_ZONES], problem


def _table(newsletter: Newsletter, chosen: list[ZoneInfo]) -> dict[str, Any]:
    now, schedule = clock.now(), getattr(newsletter, "schedule", None)
    if schedule is None:
        return {"newsletter": newsletter}
    try:
        rule = rules.rule_of(schedule)
    except DigestError as problem:
        return {"newsletter": newsletter, "problem": str(problem)}
    sends = timetable.upcoming(
        rule, now, SENDS, chosen, send_in_local_time=newsletter.send_in_local_time
    )
    return {
        "newsletter": newsletter,
        "home": rule.timezone.key,
        "rows": [
            ([_cell(row.home), *map(_cell, row.subscribers)], clock.in_words(row.slot - now))
            for row in sends
        ],
    }


def _cell(local: Local) -> dict[str, str]:
    return {
        "day": f"{local.at:%a %-d %b %Y}",
        "time": f"{local.at:%H:%M %Z}",
        "change": local.clock_change,
        "iso": local.at.isoformat(),
    }
