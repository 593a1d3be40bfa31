"""Schedules: the next sends of each newsletter, as its subscribers' clocks show them."""

from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from digest.console.access import editors, reach
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters import schedules, timetable, zones
from digest.newsletters.members import Right, within
from digest.newsletters.models import Newsletter
from digest.newsletters.timetable import Local
from digest.subscribers.models import Subscription
from digest.tenancy import belonging
from digest.tenancy.belonging import There

SENDS = 10
MOST_ZONES = 6
OFFERED = 8  # zones to tick
AT_FIRST = 3  # of those where subscribers are, when nobody has chosen yet
LATELY = 20_000  # subscribers who are asked where they live: the page takes as long at a million
USUAL = (
    *("America/Los_Angeles", "America/New_York", "America/Sao_Paulo", "Europe/London"),
    *("Europe/Berlin", "Asia/Kolkata", "Asia/Tokyo", "Australia/Sydney"),
)


@require_safe
@editors
def timetables(request: HttpRequest) -> HttpResponse:
    """Show the next ten sends of each newsletter, for subscribers in the zones that are chosen."""
    there = reach(request, Right.SEE)
    known = belonging.newsletters(there).filter(active=True).order_by("name")
    theirs = where_subscribers_are(there)
    chosen, problem = _chosen(request, theirs)
    names = [zone.key for zone in chosen]
    offered = list(dict.fromkeys([*theirs, *USUAL]))[:OFFERED]
    context = {
        **admin.site.each_context(request),
        "title": "Schedules",
        "tables": [_table(one, chosen) for one in known],
        "zones": chosen,
        "offered": [(name, name in names) for name in dict.fromkeys([*offered, *names])],
        "all": sorted(available_timezones()),
        "problem": problem,
    }
    return render(request, "console/schedules.html", context)


def where_subscribers_are(there: There) -> list[str]:
    """Return the zones of the subscribers who came last, where most of them are first."""
    ours = Subscription.objects.filter(within(there, "newsletter__publication"))
    counted = (
        Subscription.objects.filter(pk__in=ours.order_by("-pk").values("pk")[:LATELY])
        .exclude(subscriber__timezone="")
        .values_list("subscriber__timezone")
        .annotate(subscribers=Count("subscriber", distinct=True))
        .order_by("-subscribers", "subscriber__timezone")
    )
    known = available_timezones()
    return [name for name, _ in counted[: 2 * OFFERED] if name in known][:OFFERED]


def _chosen(request: HttpRequest, theirs: list[str]) -> tuple[list[ZoneInfo], str]:
    """Return the zones that were asked for, and what is wrong with the others."""
    if "zone" not in request.GET:
        return [ZoneInfo(name) for name in theirs[:AT_FIRST]], ""
    found: dict[str, ZoneInfo] = {}
    problem = ""
    for name in filter(str.strip, request.GET.getlist("zone")[:50]):
        try:
            zone = zones.named(name)
            found[zone.key] = zone
        except DigestError as wrong:
            problem = str(wrong)
    if len(found) > MOST_ZONES:
        problem = f"{MOST_ZONES} zones stand side by side at most."
    return list(found.values())[:MOST_ZONES], problem


def _table(newsletter: Newsletter, chosen: list[ZoneInfo]) -> dict[str, Any]:
    now, schedule = clock.now(), getattr(newsletter, "schedule", None)
    if schedule is None:
        return {"newsletter": newsletter}
    try:
        rule = schedules.rule_of(schedule)
    except DigestError as problem:
        return {"newsletter": newsletter, "problem": str(problem)}
    made = timetable.upcoming(
        rule, now, SENDS, chosen, send_in_local_time=newsletter.send_in_local_time
    )
    return {
        "newsletter": newsletter,
        "home": rule.timezone.key,
        "rows": [
            ([_cell(one.home), *map(_cell, one.subscribers)], clock.in_words(one.slot - now))
            for one in made
        ],
    }


def _cell(there: Local) -> dict[str, str]:
    return {
        "day": f"{there.at:%a %-d %b %Y}",
        "time": f"{there.at:%H:%M %Z}",
        "words": there.words,
        "iso": there.at.isoformat(),
    }
