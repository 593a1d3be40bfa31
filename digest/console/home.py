"""Home: what goes out next, what goes out now, how recent issues did, and what needs attention."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from digest.analytics.statistics.issues import with_numbers
from digest.analytics.statistics.totals import Numbers
from digest.console import charts, live_progress
from digest.console.access import has_right, parse_id, record_action, scope_of
from digest.console.attention import ACTIONS, problems
from digest.console.pages import (
    action_view,
    page_view,
    problems_on,
    render_fragment,
    render_page,
)
from digest.console.setup import steps
from digest.core import clock
from digest.core.text import percent
from digest.issues import agenda, approval
from digest.issues.models import Issue
from digest.newsletters import schedules
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter, Tracking
from digest.sending.progress import Progress, progress
from digest.subscribers import growth
from digest.tenancy.scope import PublicationScope

DAYS = 90  # in the chart of subscribers
MONTH = 30
CHARTED = 12  # issues in the chart
LISTED = 5  # issues in the list
WAITING = 20  # issues with a time, and as many without one
SLOTS = 24  # of a newsletter, the next ones: the issues of some may be over

State = Issue.State
SENDING = (State.SENDING, State.PAUSED)


@dataclass(frozen=True, slots=True)
class SentIssue:
    """An issue that went out."""

    issue: Issue
    label: str  # when, in the publication's zone
    counts: Progress
    numbers: Numbers

    @property
    def missed(self) -> int:
        """How many were planned and did not receive it."""
        return self.counts.eligible - self.counts.sent

    @property
    def percent(self) -> int:
        """The share that received it, rounded down: a hundred means everyone."""
        return self.counts.sent * 100 // self.counts.eligible if self.counts.eligible else 0

    @property
    def results(self) -> str:
        """People who clicked, where somebody did, and who unsubscribed."""
        numbers, parts = self.numbers, []
        if numbers.clickers:
            approximate = "about " if _is_aggregate(self.issue) else ""
            parts.append(f"{approximate}{percent(numbers.click_rate)} clicked")
        if numbers.unsubscribes:
            parts.append(f"{numbers.unsubscribes:,} unsubscribed")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Upcoming:
    """An issue that waits, or the next slot of a newsletter."""

    name: str
    newsletter: Newsletter
    moment: datetime | None
    at: str  # in the newsletter's zone; empty: when somebody sends it
    wait: str
    issue: Issue | None = None
    needs_approval: bool = False
    can_edit: bool = False


@dataclass(frozen=True, slots=True)
class SendingIssue:
    """An issue that goes out now."""

    issue: Issue
    progress: dict[str, Any] = field(default_factory=dict)


@page_view(Right.SEE)
def home(request: HttpRequest) -> HttpResponse:
    """Show Home."""
    now, scope, editable = clock.now(), scope_of(request, Right.SEE), scope_of(request, Right.EDIT)
    newsletters = list(scope.newsletters().order_by("name"))
    sent, days = _sent_issues(scope), _growth(scope, newsletters, now)
    upcoming = _upcoming(scope, editable, newsletters, now)
    context = {
        "upcoming": upcoming,
        "soonest": next((row for row in upcoming if row.moment and row.at), None),
        "sending": _sending(scope),
        "problems": list(
            problems(now, scope_of(request, Right.SEND), editable, scope_of(request, Right.MANAGE))
        ),
        "sent_chart": charts.bars(
            [(row.label, row.counts.sent, row.missed) for row in sent], "Sent and not sent"
        ),
        "sent": sent[::-1][:LISTED],
        "growth_chart": charts.line(
            [(f"{day:%-d %b}", joined, left) for day, joined, left in days],
            f"Subscribers who joined and left in {DAYS} days",
        ),
        "list_size": growth.list_size(_newsletter_ids(scope, newsletters)),
        "month": (sum(row[1] for row in days[-MONTH:]), sum(row[2] for row in days[-MONTH:])),
        "first_run": _first_run(request),
    }
    return render_page(request, "console/home.html", "Home", context)


@page_view(Right.SEE)
def sending(request: HttpRequest) -> HttpResponse:
    """Show what goes out now; polled. When an issue starts or ends, the page is reloaded."""
    rows = _sending(scope_of(request, Right.SEE))
    response = render_fragment(request, "console/home/_sending.html", {"sending": rows})
    displayed = request.GET.get("issues")
    if displayed is not None and displayed != _ids(rows):
        response["HX-Refresh"] = "true"
    return response


@action_view(Right.EDIT)
def act(request: HttpRequest, verb: str) -> HttpResponse:
    """Do what a button beside a problem says."""
    action, key = ACTIONS.get(verb), parse_id(request.POST.get("key", ""))
    if action is None or key is None:
        raise Http404
    with problems_on(request):
        outcome = action(request, key)
        action_text = f"{verb}: {outcome.message}"
        record_action(request, action_text, publication_id=outcome.publication_id)
        show = messages.error if outcome.has_failed else messages.success
        show(request, outcome.message)
    return redirect("home")


def _growth(
    scope: PublicationScope, newsletters: list[Newsletter], now: datetime
) -> list[tuple[date, int, int]]:
    return growth.count_by_day(_newsletter_ids(scope, newsletters), DAYS, now)


def _newsletter_ids(scope: PublicationScope, newsletters: list[Newsletter]) -> list[int] | None:
    return None if scope.is_everything else [newsletter.pk for newsletter in newsletters]


def _first_run(request: HttpRequest) -> dict[str, Any] | None:
    """Return where a first run goes on; None once an issue or a subscriber exists."""
    if not has_right(request, Right.MANAGE, None) or not steps.is_first_run():
        return None
    publication, step = steps.left()
    return {
        "step": step,
        "steps": len(steps.ORDER),
        "publication": publication,
        "url": steps.url_of(step, publication),
    }


def _issues(scope: PublicationScope, *states: str) -> list[Issue]:
    return list(scope.issues().filter(Issue.REGULAR, state__in=states).order_by("slot")[:20])


def _sending(scope: PublicationScope) -> list[SendingIssue]:
    rows = _issues(scope, *SENDING)
    return [SendingIssue(issue, live_progress.progress_of(issue)) for issue in rows]


def _ids(rows: list[SendingIssue]) -> str:
    """Name the issues and their states, as the page polls for them."""
    return ",".join(f"{row.issue.pk}-{row.issue.state}" for row in rows)


def _upcoming(
    scope: PublicationScope,
    editable: PublicationScope,
    newsletters: list[Newsletter],
    now: datetime,
) -> list[Upcoming]:
    """Return issues that wait and slots to come, the nearest first; then those without a time."""
    waiting = scope.issues().filter(Issue.REGULAR, state__in=(State.DRAFT, State.BUILT))
    timed = agenda.timed(waiting).order_by("moment", "pk")
    rows = [*timed[:WAITING], *agenda.untimed(waiting)[:WAITING]]
    newsletters = [row for row in newsletters if row.is_sending]
    slots = _next_slots(newsletters, rows, now)
    issues = [_waiting(issue, now) for issue in rows]
    free = [_slot(row, slots[row.pk], editable, now) for row in newsletters if row.pk in slots]
    return sorted(issues + free, key=lambda row: (row.moment is None, row.moment or now))


def _next_slots(
    newsletters: list[Newsletter], listed: list[Issue], now: datetime
) -> dict[int, datetime | None]:
    """Return the next slot of each newsletter by its id; None: it has no schedule.

    A slot whose issue was skipped, sent early or moved is over. A newsletter is left out where the
    issue of its next slot is among those that are `listed`.
    """
    rules = {row.pk: schedules.planned_rule(row) for row in newsletters}
    slots = {pk: schedules.upcoming(rule, now, SLOTS) if rule else [] for pk, rule in rules.items()}
    moments = {slot for row in slots.values() for slot in row}
    rows = Issue.objects.filter(newsletter__in=newsletters, slot__in=moments)
    built = set(rows.values_list("newsletter", "slot"))
    open_slots = {(issue.newsletter_id, issue.slot) for issue in listed}
    next_slots: dict[int, datetime | None] = {}
    for pk, upcoming in slots.items():
        slot = next((slot for slot in upcoming if (pk, slot) not in built - open_slots), None)
        if (pk, slot) not in open_slots:
            next_slots[pk] = slot
    return next_slots


def _slot(
    newsletter: Newsletter, slot: datetime | None, editable: PublicationScope, now: datetime
) -> Upcoming:
    schedule = getattr(newsletter, "schedule", None)
    unknown = "no time in its schedule" if schedule else "manual only"
    return Upcoming(
        name=newsletter.name,
        newsletter=newsletter,
        moment=slot,
        at=clock.format_moment(slot, clock.zone(schedule.timezone)) if slot and schedule else "",
        wait=clock.in_words(slot - now) if slot else unknown,
        can_edit=editable.includes(newsletter.publication_id, newsletter.pk),
    )


def _waiting(issue: Issue, now: datetime) -> Upcoming:
    zone = clock.zone(issue.newsletter.publication.timezone)
    is_draft = issue.state == State.DRAFT
    is_manual = is_draft and not issue.goes_by_itself and not issue.send_at
    return Upcoming(
        name=issue.subject or issue.newsletter.name,
        newsletter=issue.newsletter,
        moment=issue.goes_at,
        at="" if is_manual else clock.format_moment(issue.goes_at, zone),
        wait="ready to send" if is_manual else clock.in_words(issue.goes_at - now),
        issue=issue,
        needs_approval=is_draft and approval.is_needed(issue),
    )


def _sent_issues(scope: PublicationScope) -> list[SentIssue]:
    """Return the issues that went out last, the oldest first."""
    rows = scope.issues().filter(Issue.REGULAR, state=State.SENT).order_by("-slot")[:CHARTED]
    return [_sent_issue(row.issue, row.numbers) for row in reversed(with_numbers(list(rows)))]


def _is_aggregate(issue: Issue) -> bool:
    return issue.newsletter.publication.tracking == Tracking.AGGREGATE


def _sent_issue(issue: Issue, numbers: Numbers) -> SentIssue:
    zone = clock.zone(issue.newsletter.publication.timezone)
    at = issue.goes_at.astimezone(zone)
    return SentIssue(issue, f"{at:%-d %b %H:%M %Z}", progress(issue), numbers)
