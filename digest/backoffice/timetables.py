"""Schedules: the next sends of each newsletter, as its readers' clocks show them."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from digest.backoffice.access import editors, reach
from digest.backoffice.desk.views import in_words
from digest.core import clock
from digest.core.errors import DigestError
from digest.delivery import belonging
from digest.newsletters import schedules, timetable
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.newsletters.timetable import Local

SENDS = 10
MOST_ZONES = 6
OFFERED = (
    *("America/Los_Angeles", "America/New_York", "America/Sao_Paulo", "Europe/London"),
    *("Europe/Berlin", "Asia/Kolkata", "Asia/Tokyo", "Australia/Sydney"),
)


@require_safe
@editors
def timetables(request: HttpRequest) -> HttpResponse:
    """Show the next ten sends of each newsletter, for readers in the zones that are chosen."""
    known = belonging.newsletters(reach(request, Right.SEE)).filter(active=True).order_by("name")
    zones, problem = _zones(request)
    context = {
        **admin.site.each_context(request),
        "title": "Schedules",
        "tables": [_table(one, zones) for one in known],
        "zones": zones,
        "offered": [(name, name in {zone.key for zone in zones}) for name in OFFERED],
        "others": [zone.key for zone in zones if zone.key not in OFFERED],
        "problem": problem,
    }
    return render(request, "backoffice/timetables.html", context)


def _zones(request: HttpRequest) -> tuple[list[ZoneInfo], str]:
    """Return the zones that were asked for, and what is wrong with the others."""
    asked = [one.strip() for one in request.GET.getlist("zone") if one.strip()]
    found: dict[str, ZoneInfo] = {}
    problem = ""
    for name in dict.fromkeys(asked):
        try:
            found[name] = clock.zone(name[:64])
        except DigestError as wrong:
            problem = str(wrong)
    if len(found) > MOST_ZONES:
        problem = f"{MOST_ZONES} zones stand side by side at most."
    return list(found.values())[:MOST_ZONES], problem


def _table(newsletter: Newsletter, zones: list[ZoneInfo]) -> dict[str, Any]:
    now, schedule = clock.now(), getattr(newsletter, "schedule", None)
    if schedule is None:
        return {"newsletter": newsletter}
    try:
        rule = schedules.rule_of(schedule)
    except DigestError as problem:
        return {"newsletter": newsletter, "problem": str(problem)}
    made = timetable.upcoming(rule, now, SENDS, zones, readers_time=newsletter.readers_time)
    return {
        "newsletter": newsletter,
        "home": rule.timezone.key,
        "rows": [
            ([_cell(one.home), *map(_cell, one.readers)], in_words(one.slot - now)) for one in made
        ],
    }


def _cell(there: Local) -> dict[str, str]:
    return {
        "day": f"{there.at:%a %-d %b %Y}",
        "time": f"{there.at:%H:%M %Z}",
        "words": there.words,
        "iso": there.at.isoformat(),
    }
