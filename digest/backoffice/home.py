"""Home: what goes out next, what goes out now, how the last issues did, and what needs someone."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from digest.backoffice import charts, moving
from digest.backoffice.access import editors, may, needs, note, reach
from digest.backoffice.setup import steps
from digest.backoffice.troubles import HELP, troubles
from digest.core import clock
from digest.core.errors import DigestError
from digest.delivery import belonging
from digest.delivery.belonging import There
from digest.delivery.progress import Progress, progress
from digest.editions import approving
from digest.editions.models import Edition
from digest.newsletters import schedules
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.subscribers import growth

DAYS = 90
MONTH = 30
LAST = 12  # issues in the chart
LISTED = 5  # issues named

State = Edition.State
GOING = (State.SENDING, State.PAUSED)


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue that went out."""

    edition: Edition
    at: datetime  # in the publication's zone
    label: str
    counts: Progress

    @property
    def not_sent(self) -> int:
        """How many were to get it and did not."""
        return self.counts.eligible - self.counts.sent

    @property
    def percent(self) -> int:
        """The share that got it, rounded down: a hundred means everyone."""
        return self.counts.sent * 100 // self.counts.eligible if self.counts.eligible else 0


@require_safe
@editors
def home(request: HttpRequest) -> HttpResponse:
    """Show Home."""
    now, there = clock.now(), reach(request, Right.SEE)
    newsletters = list(belonging.newsletters(there).order_by("name"))
    edits, steers = reach(request, Right.EDIT), reach(request, Right.SEND)
    issues, days = _last_issues(there), _growth(there, newsletters, now)
    coming = _next(there, edits, newsletters, now)
    context = {
        **admin.site.each_context(request),
        "title": "Home",
        "coming": coming,
        "soonest": next((one for one in coming if one["moment"] and one["at"]), None),
        "going": [_going(one) for one in _editions(there, *GOING)],
        "troubles": list(troubles(now, steers, edits, reach(request, Right.MANAGE))),
        "issues": charts.bars(
            [(one.label, one.counts.sent, one.not_sent) for one in issues],
            "Readers reached",
        ),
        "last": issues[::-1][:LISTED],
        "growth": charts.line(
            [(f"{day:%-d %b}", joined, gone) for day, joined, gone in days],
            f"Joined and left, the last {DAYS} days",
        ),
        "month": (sum(row[1] for row in days[-MONTH:]), sum(row[2] for row in days[-MONTH:])),
        "newsletters": newsletters,
        "first": _first(request),
    }
    return render(request, "backoffice/home.html", context)


@require_safe
@editors
def how_far(request: HttpRequest) -> JsonResponse:
    """Say how far each issue is that goes out now; asked every other second."""
    there = reach(request, Right.SEE)
    return JsonResponse({"going": [_going(one) for one in _editions(there, *GOING)]})


@require_POST
@needs(Right.EDIT)
def act(request: HttpRequest, verb: str) -> HttpResponse:
    """Press a button that helps."""
    doing = HELP.get(verb)
    if doing is None:
        raise Http404
    try:
        said = doing(request, int(request.POST.get("key", "0")))
        note(request, f"{verb}: {said}")
        messages.success(request, said)
    except (DigestError, ValueError) as problem:
        messages.error(request, str(problem))
    return redirect("home")


def _growth(
    there: There, newsletters: list[Newsletter], now: datetime
) -> list[tuple[date, int, int]]:
    ours = None if there is None else [one.pk for one in newsletters]
    return growth.by_day(ours, DAYS, now)


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


def _next(
    there: There, edits: There, newsletters: list[Newsletter], now: datetime
) -> list[dict[str, Any]]:
    """Return issues at the desk and slots to come, the nearest first; then those by hand."""
    desk = [_on_desk(one, now) for one in _editions(there, State.DRAFT, State.BUILT)]
    taken = {(one["edition"].newsletter_id, one["moment"]) for one in desk}
    coming = [_coming(one, edits, now) for one in newsletters if one.active]
    free = [one for one in coming if (one["newsletter"].pk, one["moment"]) not in taken]
    return sorted(desk + free, key=lambda one: (one["moment"] is None, one["moment"] or now))


def _coming(newsletter: Newsletter, edits: There, now: datetime) -> dict[str, Any]:
    schedule = getattr(newsletter, "schedule", None)
    coming = schedules.upcoming(schedules.rule_of(schedule), now, 1) if schedule else []
    slot = coming[0] if coming else None
    return {
        "newsletter": newsletter,
        "name": newsletter.name,
        "moment": slot,
        "at": clock.spoken(slot, clock.zone(schedule.timezone)) if slot and schedule else "",
        "in": clock.in_words(slot - now) if slot else "by hand only",
        "may_edit": edits is None or newsletter.publication_id in edits,
    }


def _on_desk(edition: Edition, now: datetime) -> dict[str, Any]:
    zone = clock.zone(edition.newsletter.publication.timezone)
    waits = edition.state == State.DRAFT
    by_hand = waits and edition.kind == Edition.Kind.MANUAL and not edition.send_at
    return {
        "edition": edition,
        "name": edition.subject or edition.newsletter.name,
        "moment": edition.goes_at,
        "at": "" if by_hand else clock.spoken(edition.goes_at, zone),
        "in": "waits to be sent" if by_hand else clock.in_words(edition.goes_at - now),
        "approval": waits and approving.is_needed(edition),
    }


def _going(edition: Edition) -> dict[str, Any]:
    return {
        "id": edition.pk,
        "url": reverse("desk:edition", args=[edition.pk]),
        "subject": edition.subject or edition.newsletter.name,
        **moving.facts(edition, progress(edition)),
    }


def _last_issues(there: There) -> list[Issue]:
    """Return the issues that went out last, the oldest first."""
    done = belonging.editions(there).filter(state=State.SENT).order_by("-slot")[:LAST]
    return [_issue(edition) for edition in reversed(done)]


def _issue(edition: Edition) -> Issue:
    zone = clock.zone(edition.newsletter.publication.timezone)
    at = edition.goes_at.astimezone(zone)
    return Issue(edition, at, f"{at:%-d %b %H:%M %Z}", progress(edition))
