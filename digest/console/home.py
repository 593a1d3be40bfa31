"""Home: what goes out next, what goes out now, how the last issues did, and what needs someone."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from digest.console import charts, live_progress
from digest.console.access import editors, may, needs, note, reach
from digest.console.attention import HELP, troubles
from digest.console.setup import steps
from digest.core import clock
from digest.core.errors import DigestError
from digest.issues import approval
from digest.issues.models import Issue
from digest.newsletters import schedules
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.sending.progress import Progress, progress
from digest.subscribers import growth
from digest.tenancy import belonging
from digest.tenancy.belonging import There

DAYS = 90
MONTH = 30
LAST = 12  # issues in the chart
LISTED = 5  # issues named

State = Issue.State
GOING = (State.SENDING, State.PAUSED)


@dataclass(frozen=True, slots=True)
class SentIssue:
    """An issue that went out."""

    issue: Issue
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
        "going": [_going(one) for one in _issues(there, *GOING)],
        "troubles": list(troubles(now, steers, edits, reach(request, Right.MANAGE))),
        "issues": charts.bars(
            [(one.label, one.counts.sent, one.not_sent) for one in issues],
            "Subscribers reached",
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
    return render(request, "console/home.html", context)


@require_safe
@editors
def how_far(request: HttpRequest) -> JsonResponse:
    """Say how far each issue is that goes out now; asked every other second."""
    there = reach(request, Right.SEE)
    return JsonResponse({"going": [_going(one) for one in _issues(there, *GOING)]})


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


def _issues(there: There, *states: str) -> list[Issue]:
    found = belonging.issues(there).filter(state__in=states)
    return list(found.order_by("slot")[:20])


def _next(
    there: There, edits: There, newsletters: list[Newsletter], now: datetime
) -> list[dict[str, Any]]:
    """Return issues at the desk and slots to come, the nearest first; then those by hand."""
    desk = [_on_desk(one, now) for one in _issues(there, State.DRAFT, State.BUILT)]
    taken = {(one["issue"].newsletter_id, one["moment"]) for one in desk}
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
        "at": clock.format_moment(slot, clock.zone(schedule.timezone)) if slot and schedule else "",
        "in": clock.in_words(slot - now) if slot else "by hand only",
        "may_edit": edits is None or newsletter.publication_id in edits,
    }


def _on_desk(issue: Issue, now: datetime) -> dict[str, Any]:
    zone = clock.zone(issue.newsletter.publication.timezone)
    waits = issue.state == State.DRAFT
    by_hand = waits and issue.kind == Issue.Kind.MANUAL and not issue.send_at
    return {
        "issue": issue,
        "name": issue.subject or issue.newsletter.name,
        "moment": issue.goes_at,
        "at": "" if by_hand else clock.format_moment(issue.goes_at, zone),
        "in": "waits to be sent" if by_hand else clock.in_words(issue.goes_at - now),
        "approval": waits and approval.is_needed(issue),
    }


def _going(issue: Issue) -> dict[str, Any]:
    return {
        "id": issue.pk,
        "url": reverse("desk:issue", args=[issue.pk]),
        "subject": issue.subject or issue.newsletter.name,
        **live_progress.facts(issue, progress(issue)),
    }


def _last_issues(there: There) -> list[SentIssue]:
    """Return the issues that went out last, the oldest first."""
    done = belonging.issues(there).filter(state=State.SENT).order_by("-slot")[:LAST]
    return [_sent_issue(issue) for issue in reversed(done)]


def _sent_issue(issue: Issue) -> SentIssue:
    zone = clock.zone(issue.newsletter.publication.timezone)
    at = issue.goes_at.astimezone(zone)
    return SentIssue(issue, at, f"{at:%-d %b %H:%M %Z}", progress(issue))
