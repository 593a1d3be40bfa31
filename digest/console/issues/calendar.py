"""The calendar: what goes out by day, as a month or a week; open issues can be moved.

A calendar has one time zone, the publication's, or the user's choice where publications differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from digest.console.access import get_issue, parse_id, scope_of
from digest.console.issues import actions
from digest.console.pages import action_view, page_view, render_page, report
from digest.core import clock
from digest.issues import agenda
from digest.issues.agenda import Entry
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.tenancy.scope import PublicationScope

FURTHEST = timedelta(days=366 * 5)  # from today
WEEK = timedelta(days=7)
UNTIMED = 20  # drafts without a time that are listed


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a day, as it is shown."""

    entry: Entry
    time: str  # in the calendar's zone, 24 hours
    input: str  # date and time in the publication's zone, for the form that moves it
    zone: str
    can_move: bool

    @property
    def title(self) -> str:
        """The issue's subject, or the newsletter's name."""
        issue = self.entry.issue
        return issue.subject if issue and issue.subject else self.entry.newsletter.name


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar."""

    date: date
    items: Sequence[Item]
    is_today: bool
    is_outside: bool  # of the month that is shown


@dataclass(frozen=True, slots=True)
class Span:
    """The days that are shown: whole weeks from Monday on, and the addresses beside them."""

    day: date  # any day of the month or week
    is_week: bool

    @property
    def first(self) -> date:
        """The first day, a Monday."""
        day = self.day if self.is_week else self.day.replace(day=1)
        return day - timedelta(days=day.weekday())

    @property
    def end(self) -> date:
        """The day after the last one, a Monday."""
        if self.is_week:
            return self.first + WEEK
        last = _month_after(self.day) - timedelta(days=1)
        return last + timedelta(days=7 - last.weekday())

    @property
    def title(self) -> str:
        """The month, or the week by its first and last day."""
        if not self.is_week:
            return f"{self.day:%B %Y}"
        last = self.end - timedelta(days=1)
        return f"{self.first:%-d %b} to {last:%-d %b %Y}"

    @property
    def previous(self) -> date:
        """A day of the month or week before."""
        return self.first - WEEK if self.is_week else self.day.replace(day=1) - timedelta(days=1)

    @property
    def next(self) -> date:
        """A day of the month or week after."""
        return self.end if self.is_week else _month_after(self.day)


@page_view(Right.SEE)
def calendar(request: HttpRequest) -> HttpResponse:
    """Show what goes out in a month or a week."""
    scope, now = scope_of(request, Right.SEE), clock.now()
    newsletters = list(scope.newsletters().order_by("name"))
    chosen = [row for row in newsletters if str(row.pk) == request.GET.get("newsletter")]
    zone = _zone(request, chosen or newsletters)
    today = now.astimezone(zone).date()
    span = Span(_day(request, today), request.GET.get("view") == "week")
    issues = scope.issues().filter(Issue.REGULAR)
    issues = issues.filter(newsletter__in=chosen) if chosen else issues
    context = {
        "span": span,
        "weekdays": [span.first + timedelta(days=number) for number in range(7)],
        "days": _days(
            span, issues, chosen or newsletters, zone, scope_of(request, Right.SEND), now
        ),
        "untimed": list(agenda.untimed(issues)[:UNTIMED]),
        "newsletters": newsletters,
        "chosen": chosen[0] if chosen else None,
        "zone": zone.key,
        "zones": sorted({row.publication.timezone for row in newsletters}),
        "today": today,
        **_links(request, span, today),
    }
    return render_page(request, "console/issues/calendar.html", "Calendar", context)


@action_view(Right.SEND)
def move(request: HttpRequest) -> HttpResponse:
    """Give an issue another time, and show the day of it."""
    pk = parse_id(request.POST.get("issue", ""))
    if pk is None:
        raise Http404
    issue = get_issue(request, pk, actions.right_for("schedule"))
    report(request, lambda: actions.run_and_record(request, issue, "schedule"))
    query = {name: request.POST[name] for name in _QUERY if request.POST.get(name)}
    day = request.POST.get("at", "")[:10]
    return redirect(f"{reverse('calendar')}?{urlencode({**query, 'day': day})}")


_QUERY = ("view", "newsletter", "zone")


def _days(
    span: Span,
    issues: QuerySet[Issue],
    newsletters: Sequence[Newsletter],
    zone: ZoneInfo,
    movable: PublicationScope,
    now: datetime,
) -> list[Day]:
    begin, end = _midnight(span.first, zone), _midnight(span.end, zone)
    items: dict[date, list[Item]] = {}
    for entry in agenda.entries(issues, newsletters, begin, end, now):
        day = entry.moment.astimezone(zone).date()
        items.setdefault(day, []).append(_item(entry, zone, movable))
    days = [span.first + timedelta(days=n) for n in range((span.end - span.first).days)]
    today = now.astimezone(zone).date()
    return [
        Day(
            day,
            items.get(day, []),
            is_today=day == today,
            is_outside=not span.is_week and day.month != span.day.month,
        )
        for day in days
    ]


def _item(entry: Entry, zone: ZoneInfo, movable: PublicationScope) -> Item:
    publication = entry.newsletter.publication
    home = clock.zone(publication.timezone)
    return Item(
        entry,
        time=f"{entry.moment.astimezone(zone):%H:%M}",
        input=f"{entry.moment.astimezone(home):%Y-%m-%dT%H:%M}",
        zone=home.key,
        can_move=entry.can_move and movable.includes(publication.pk, entry.newsletter.pk),
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins in a zone, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _month_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _day(request: HttpRequest, today: date) -> date:
    """Return the day that the address names, or today if it names none or one too far away."""
    try:
        day = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return today
    return day if abs(day - today) <= FURTHEST else today


def _zone(request: HttpRequest, newsletters: Sequence[Newsletter]) -> ZoneInfo:
    """Return the zone that was chosen, or that of the first publication."""
    names = [row.publication.timezone for row in newsletters] or ["UTC"]
    chosen = request.GET.get("zone", "")
    return clock.zone(chosen if chosen in names else names[0])


def _links(request: HttpRequest, span: Span, today: date) -> dict[str, str]:
    """Return the addresses of other days and of the other view, with what was chosen."""
    chosen = {name: request.GET[name] for name in _QUERY if request.GET.get(name)}

    def link(day: date, **changes: str) -> str:
        query = {**chosen, "day": day.isoformat(), **changes}
        return f"?{urlencode({name: value for name, value in query.items() if value})}"

    return {
        "previous_url": link(span.previous),
        "next_url": link(span.next),
        "today_url": link(today),
        "month_url": link(span.day, view=""),
        "week_url": link(span.day, view="week"),
    }
