"""Home: what goes out next, what goes out now, how the last issues did, and what needs someone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from digest.articles import polling
from digest.backoffice import charts
from digest.backoffice.access import editors, find, may, must, needs, note, reach
from digest.backoffice.desk.views import in_words
from digest.backoffice.setup import steps
from digest.core import clock
from digest.core.errors import DigestError
from digest.delivery import belonging, steering
from digest.delivery.belonging import There
from digest.delivery.models import Delivery, PausedDomain, Relay
from digest.delivery.progress import Progress, pace, progress
from digest.delivery.relays import pausing
from digest.editions.models import Edition
from digest.newsletters import schedules
from digest.newsletters.members import Right, within
from digest.newsletters.models import Newsletter
from digest.subscribers import growth

DAYS = 90
LAST = 12  # issues in the chart

State = Edition.State
GOING = (State.SENDING, State.PAUSED)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that needs someone, and the button that helps, or the page."""

    what: str
    why: str
    verb: str = ""  # of `act`
    key: int = 0
    button: str = ""
    url: str = ""


@require_safe
@editors
def home(request: HttpRequest) -> HttpResponse:
    """Show Home."""
    now, there = clock.now(), reach(request, Right.SEE)
    newsletters = list(belonging.newsletters(there).order_by("name"))
    edits, steers = reach(request, Right.EDIT), reach(request, Right.SEND)
    context = {
        **admin.site.each_context(request),
        "title": "Home",
        "coming": [
            _coming(one, now) | {"may_edit": edits is None or one.publication_id in edits}
            for one in newsletters
            if one.active
        ],
        "desk": [_on_desk(one, now) for one in _editions(there, State.DRAFT, State.BUILT)],
        "going": [_going(one, now) for one in _editions(there, *GOING)],
        "troubles": list(troubles(now, steers, edits)),
        "issues": charts.bars(_last_issues(there), "Readers reached by the last issues"),
        "growth": charts.line(
            _growth(there, newsletters, now), f"Readers joined and left, the last {DAYS} days"
        ),
        "newsletters": newsletters,
        "first": _first(request),
    }
    return render(request, "backoffice/home.html", context)


@require_safe
@editors
def moving(request: HttpRequest) -> JsonResponse:
    """Say how far each issue is that goes out now; asked every other second."""
    now, there = clock.now(), reach(request, Right.SEE)
    return JsonResponse({"going": [_going(one, now) for one in _editions(there, *GOING)]})


@require_POST
@needs(Right.EDIT)
def act(request: HttpRequest, verb: str) -> HttpResponse:
    """Press a button that helps."""
    doing = _HELP.get(verb)
    if doing is None:
        raise Http404
    try:
        said = doing(request, int(request.POST.get("key", "0")))
        note(request, f"{verb}: {said}")
        messages.success(request, said)
    except (DigestError, ValueError) as problem:
        messages.error(request, str(problem))
    return redirect("home")


def troubles(now: datetime, steers: There, edits: There) -> Iterator[Trouble]:
    """Yield what needs someone, the most pressing first.

    Of the publications where they may send (`steers`) and edit; what is no publication's own, like
    relays, is for those who may everywhere.
    """
    for edition in _editions(steers, State.PAUSED):
        why, name = edition.reason or "Paused by an editor.", edition.newsletter.name
        url = reverse("desk:edition", args=[edition.pk])
        yield Trouble(f"{name} is paused", why, "resume", edition.pk, "Resume", url)
    relays = Relay.objects.filter(down_since__isnull=False) if steers is None else ()
    for relay in relays:
        since = clock.spoken(relay.down_since or now)
        yield Trouble(f"The relay {relay.name} is down since {since}", relay.problem)
    domains = PausedDomain.objects.filter(until__gt=now).select_related("relay")
    for paused in domains if steers is None else ():
        what = f"{paused.domain} refuses our mail, until {clock.spoken(paused.until)}"
        yield Trouble(what, paused.why, "lift", paused.pk, "Try again now")
    doubted = Delivery.objects.filter(within(edits, "edition__newsletter__publication"))
    held = doubted.filter(state=Delivery.State.IN_DOUBT).values_list("edition", flat=True)
    for pk in list(held.distinct()[:5]):
        url = f"{reverse('deliveries', args=[pk])}?state=in-doubt"
        why = "The line broke before the relay's word. Look into its log, then settle them."
        yield Trouble("Some deliveries are in doubt", why, url=url)
    failing = belonging.sources(edits).filter(failures__gte=3)
    for source in failing.order_by("-failures")[:10]:
        what = f"{source.title or source.url} has failed {source.failures} times"
        yield Trouble(what, source.problem, "poll", source.pk, "Look again now")


def _growth(
    there: There, newsletters: list[Newsletter], now: datetime
) -> list[tuple[str, int, int]]:
    ours = None if there is None else [one.pk for one in newsletters]
    days = growth.by_day(ours, DAYS, now)
    return [(f"{day:%d %b}", joined, gone) for day, joined, gone in days]


def _first(request: HttpRequest) -> dict[str, Any] | None:
    """Return where a first run goes on, or None once something went out or somebody subscribed."""
    if not may(request, Right.MANAGE, None) or not steps.is_first_run():
        return None
    publication, step = steps.left()
    return {
        "step": step,
        "last": len(steps.ORDER),
        "publication": publication,
        "url": steps.url_of(step, publication),
    }


def _editions(there: There, *states: str) -> list[Edition]:
    found = belonging.editions(there).filter(state__in=states)
    return list(found.order_by("slot")[:20])


def _coming(newsletter: Newsletter, now: datetime) -> dict[str, Any]:
    schedule = getattr(newsletter, "schedule", None)
    coming = schedules.upcoming(schedules.rule_of(schedule), now, 1) if schedule else []
    slot = coming[0] if coming else None
    return {
        "newsletter": newsletter,
        "at": clock.spoken(slot, clock.zone(schedule.timezone)) if slot and schedule else "",
        "in": in_words(slot - now) if slot else "by hand only",
    }


def _on_desk(edition: Edition, now: datetime) -> dict[str, Any]:
    zone = clock.zone(edition.newsletter.publication.timezone)
    return {
        "edition": edition,
        "at": clock.spoken(edition.goes_at, zone),
        "in": in_words(edition.goes_at - now),
    }


def _going(edition: Edition, now: datetime) -> dict[str, Any]:
    counts: Progress = progress(edition)
    speed = pace(edition, counts, now)
    zone = clock.zone(edition.newsletter.publication.timezone)
    return {
        "id": edition.pk,
        "url": reverse("desk:edition", args=[edition.pk]),
        "subject": edition.subject or edition.newsletter.name,
        "state": edition.get_state_display(),
        "settled": counts.settled,
        "eligible": counts.eligible,
        "percent": counts.settled * 100 // counts.eligible if counts.eligible else 0,
        "per_second": round(speed.per_second, 1) if speed.per_second else None,
        "ends_at": clock.spoken(speed.ends_at, zone) if speed.ends_at else "",
    }


def _last_issues(there: There) -> list[tuple[str, int, int]]:
    done = belonging.editions(there).filter(state=State.SENT).order_by("-slot")[:LAST]
    rows = []
    for edition in reversed(done):
        counts = progress(edition)
        label = f"{edition.slot:%d %b %H:%M} UTC"
        rows.append((label, counts.sent, counts.eligible - counts.sent))
    return rows


def _resume(request: HttpRequest, key: int) -> str:
    edition = find(request, key, Right.SEND)
    steering.resume(edition)
    return "It goes on."


def _lift(request: HttpRequest, key: int) -> str:
    must(request, Right.SEND, None)
    due = pausing.lift(
        get_object_or_404(PausedDomain.objects.select_related("relay"), pk=key), clock.now()
    )
    return f"Tried again: {due:,} waiting mails are due now."


def _poll(request: HttpRequest, key: int) -> str:
    known = belonging.sources(reach(request, Right.EDIT))
    polled = polling.poll(get_object_or_404(known, pk=key), clock.now())
    return polled.problem or f"It works again: {polled.new} new articles."


_HELP: dict[str, Callable[[HttpRequest, int], str]] = {
    "resume": _resume,
    "lift": _lift,
    "poll": _poll,
}
