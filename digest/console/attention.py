"""What needs attention, and the buttons that help."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from digest.articles import polling, switching
from digest.bounces.drops import detecting
from digest.bounces.models import Drop, Mailbox
from digest.console.access import get_issue, require_right, scope_of
from digest.core import clock
from digest.core.text import counted
from digest.installation import clocks, holds, room
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.relays.models import PausedDomain, Relay
from digest.reputation.models import ServiceConnection
from digest.reputation.recipients.providers import name_of
from digest.reputation.services.kinds import KINDS
from digest.sending import control, domain_pauses
from digest.sending.models import Delivery
from digest.series import versions
from digest.series.models import Series
from digest.series.switching import problems_of
from digest.tenancy.scope import PublicationScope
from digest.webhooks.models import Webhook


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that needs attention, and the button that helps, or the page."""

    title: str
    detail: str
    verb: str = ""  # a key of `ACTIONS`
    key: int = 0
    button: str = ""
    url: str = ""
    reply: str = ""  # of a mail server, word for word


def problems(
    now: datetime, senders: PublicationScope, editors: PublicationScope, managers: PublicationScope
) -> Iterator[Problem]:
    """Yield what needs attention, the most pressing first.

    Each argument says where the user has a right: to send, to edit, to manage. What belongs to no
    publication, like mail servers, is shown to those who have it everywhere.
    """
    yield from _held_mail(managers)
    yield from _machines()
    yield from _paused_issues(senders)
    if senders.is_everything:
        yield from _mail_servers(now, linked=managers.is_everything)
        yield from _paused_domains(now)
    if managers.is_everything:
        yield from _mailboxes()
        yield from _services()
    yield from _delivery_drops(senders)
    yield from _uncertain_deliveries(editors)
    yield from _stopped_series(now, editors)
    yield from _disabled_webhooks(managers)
    yield from _failing_sources(editors)
    yield from _moved_sources(now, editors)


def _held_mail(scope: PublicationScope) -> Iterator[Problem]:
    if hold := holds.current():
        url = reverse("hold") if scope.is_everything else ""
        detail = f"{hold.get_reason_display()}.".capitalize()
        yield Problem("No mail is sent at present", detail, url=url)


def _machines() -> Iterator[Problem]:
    if message := room.reported():
        yield Problem("A disk is full", message)
    if message := clocks.reported():
        yield Problem("Clocks differ", message)


def _paused_issues(scope: PublicationScope) -> Iterator[Problem]:
    rows = scope.issues().filter(state=Issue.State.PAUSED).exclude(reason=versions.OFF)
    for issue in rows.order_by("slot")[:20]:
        url = reverse("issue:detail", args=[issue.pk])
        detail = issue.reason or "Paused by an editor."
        yield Problem(
            f"{issue.newsletter.name} is paused", detail, "resume", issue.pk, "Resume", url
        )


def _mail_servers(now: datetime, *, linked: bool) -> Iterator[Problem]:
    for relay in Relay.objects.filter(down_since__isnull=False):
        since = clock.format_moment(relay.down_since or now)
        url = reverse("relays") if linked else ""
        title = f"Mail server {relay.name} is down since {since}"
        yield Problem(title, "", url=url, reply=relay.problem)


def _mailboxes() -> Iterator[Problem]:
    rows = Mailbox.objects.filter(active=True).exclude(problem="").order_by("name")
    for mailbox in rows:
        since = clock.format_moment(mailbox.polled_at) if mailbox.polled_at else "never"
        yield Problem(
            f"Mailbox {mailbox.name} cannot be polled, so bounces are not read",
            f"Tried {counted(mailbox.failures, 'time')}, last: {since}. "
            "Check its address and password.",
            url=reverse("mailboxes"),
            reply=mailbox.problem,
        )


def _services() -> Iterator[Problem]:
    for row in ServiceConnection.objects.exclude(problem="").order_by("kind"):
        title = f"{KINDS[row.kind].name} cannot be read"
        yield Problem(title, row.problem, url=reverse("deliverability-services"))


def _paused_domains(now: datetime) -> Iterator[Problem]:
    for row in PausedDomain.objects.filter(until__gt=now).select_related("relay"):
        title = f"{row.domain} refuses our mail; paused until {clock.format_moment(row.until)}"
        yield Problem(title, "", "lift", row.pk, "Try again now", reply=row.reason)


def _delivery_drops(scope: PublicationScope) -> Iterator[Problem]:
    rows = scope.filter(Drop.objects.filter(ended_at=None), "newsletter__publication")
    for drop in rows.select_related("newsletter").order_by("-noticed_at", "destination")[:5]:
        url = reverse("deliverability-destination", args=[drop.destination])
        title = f"{name_of(drop.destination)} accepts less of {drop.newsletter.name} than usual"
        yield Problem(title, detecting.summary_of(drop), url=url)


def _uncertain_deliveries(scope: PublicationScope) -> Iterator[Problem]:
    rows = scope.filter(Delivery.objects.all(), "issue__newsletter__publication")
    uncertain = rows.filter(state=Delivery.State.UNCERTAIN).values_list("issue", flat=True)
    for issue_id in list(uncertain.distinct()[:5]):
        url = f"{reverse('deliveries', args=[issue_id])}?state=uncertain"
        detail = (
            "The connection broke before the mail server confirmed them. Check its log, then "
            "decide what to do with them."
        )
        yield Problem("Some deliveries are uncertain", detail, url=url)


def _stopped_series(now: datetime, scope: PublicationScope) -> Iterator[Problem]:
    rows = Series.objects.filter(active=True).select_related("newsletter__publication")
    for series in scope.filter(rows, "newsletter__publication").order_by("pk")[:20]:
        if problems := problems_of(series, now):
            title = f"The series “{series}” cannot send"
            yield Problem(title, problems[0], url=reverse("series", args=[series.pk]))


def _disabled_webhooks(scope: PublicationScope) -> Iterator[Problem]:
    rows = scope.filter(Webhook.objects.filter(disabled_at__isnull=False))
    for webhook in rows.order_by("name"):
        title = f"Webhook {webhook.name} is disabled"
        yield Problem(title, webhook.note, url=reverse("webhooks"))


def _failing_sources(scope: PublicationScope) -> Iterator[Problem]:
    for source in scope.sources().filter(switched_off_at__isnull=False).order_by("pk")[:10]:
        url = reverse("source", args=[source.pk])
        yield Problem(
            f"{source} is switched off", source.problem, "switch-on", source.pk, "Switch on", url
        )
    rows = scope.sources().filter(failures__gte=3, switched_off_at=None)
    for source in rows.order_by("-failures")[:10]:
        title = f"{source.title or source.url} has failed {counted(source.failures, 'time')}"
        yield Problem(title, source.problem, "poll", source.pk, "Check again now")


def _moved_sources(now: datetime, scope: PublicationScope) -> Iterator[Problem]:
    rows = scope.sources().filter(moved_at__isnull=False)
    for source in rows.order_by("-moved_at")[:10]:
        stories = counted(source.moved_stories, "story", "stories")
        moment = clock.format_moment(source.moved_at or now)
        detail = (
            f"They were recognised by title and text on {moment}, "
            "and are not sent again. Check that the links of the newest articles work."
        )
        title = f"{source.title or source.url}: {stories} under new addresses"
        url = reverse("source", args=[source.pk])
        yield Problem(title, detail, "accept-move", source.pk, "Dismiss", url)


class Outcome(NamedTuple):
    """What a button did, and the publication that it was about; None: every one."""

    message: str
    publication_id: int | None = None
    has_failed: bool = False


def _resume(request: HttpRequest, key: int) -> Outcome:
    issue = get_issue(request, key, Right.SEND)
    control.resume(issue)
    return Outcome("Sending resumed.", issue.newsletter.publication_id)


def _lift(request: HttpRequest, key: int) -> Outcome:
    require_right(request, Right.SEND, None)
    due = domain_pauses.lift_pause(
        get_object_or_404(PausedDomain.objects.select_related("relay"), pk=key), clock.now()
    )
    return Outcome(f"Trying again: due now: {counted(due, 'deferred email')}.")


def _poll(request: HttpRequest, key: int) -> Outcome:
    source = get_object_or_404(scope_of(request, Right.EDIT).sources(), pk=key)
    polled = polling.poll(source, clock.now())
    if polled.problem:
        return Outcome(polled.problem, source.publication_id, has_failed=True)
    new = counted(polled.new, "new article")
    return Outcome(f"The source works again: {new}.", source.publication_id)


def _accept_move(request: HttpRequest, key: int) -> Outcome:
    sources = scope_of(request, Right.EDIT).sources()
    source = get_object_or_404(sources, pk=key)
    sources.filter(pk=key).update(moved_at=None)
    message = f"Noted: {source.title or source.url} has moved."
    return Outcome(message, source.publication_id)


def _switch_on(request: HttpRequest, key: int) -> Outcome:
    sources = scope_of(request, Right.EDIT).sources()
    source = get_object_or_404(sources, pk=key)
    switching.switch_on(source, clock.now())
    message = f"{source} is switched on. It is checked within a minute."
    return Outcome(message, source.publication_id)


ACTIONS = {
    "resume": _resume,
    "lift": _lift,
    "poll": _poll,
    "accept-move": _accept_move,
    "switch-on": _switch_on,
}
