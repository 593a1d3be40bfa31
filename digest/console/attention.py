"""What needs someone, and the buttons that help."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from digest.articles import polling
from digest.console.access import find, must, reach
from digest.core import clock
from digest.issues.models import Issue
from digest.newsletters.members import Right, within
from digest.relays.models import PausedDomain, Relay
from digest.sending import control, domain_pauses
from digest.sending.models import Delivery
from digest.tenancy import belonging
from digest.tenancy.belonging import There
from digest.webhooks.models import Webhook


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that needs someone, and the button that helps, or the page."""

    what: str
    why: str
    verb: str = ""  # of `act`
    key: int = 0
    button: str = ""
    url: str = ""


def troubles(now: datetime, steers: There, edits: There, manages: There) -> Iterator[Trouble]:
    """Yield what needs someone, the most pressing first.

    Of the publications where they may send (`steers`), edit and manage; what is no publication's
    own, like relays, is for those who may everywhere.
    """
    for issue in _paused(steers):
        why, name = issue.reason or "Paused by an editor.", issue.newsletter.name
        url = reverse("desk:issue", args=[issue.pk])
        yield Trouble(f"{name} is paused", why, "resume", issue.pk, "Resume", url)
    relays = Relay.objects.filter(down_since__isnull=False) if steers is None else ()
    for relay in relays:
        since = clock.format_moment(relay.down_since or now)
        url = reverse("relays") if manages is None else ""
        yield Trouble(f"The relay {relay.name} is down since {since}", relay.problem, url=url)
    domains = PausedDomain.objects.filter(until__gt=now).select_related("relay")
    for paused in domains if steers is None else ():
        what = f"{paused.domain} refuses our mail, until {clock.format_moment(paused.until)}"
        yield Trouble(what, paused.reason, "lift", paused.pk, "Try again now")
    doubted = Delivery.objects.filter(within(edits, "issue__newsletter__publication"))
    held = doubted.filter(state=Delivery.State.UNCERTAIN).values_list("issue", flat=True)
    for pk in list(held.distinct()[:5]):
        url = f"{reverse('deliveries', args=[pk])}?state=uncertain"
        why = "The line broke before the relay's word. Look into its log, then settle them."
        yield Trouble("Some deliveries are uncertain", why, url=url)
    disabled = Webhook.objects.filter(within(manages), disabled_at__isnull=False)
    for webhook in disabled.order_by("name"):
        what = f"The webhook {webhook.name} is told nothing any more"
        yield Trouble(what, webhook.note, url=reverse("webhooks"))
    failing = belonging.sources(edits).filter(failures__gte=3)
    for source in failing.order_by("-failures")[:10]:
        what = f"{source.title or source.url} has failed {source.failures} times"
        yield Trouble(what, source.problem, "poll", source.pk, "Look again now")


def _paused(there: There) -> list[Issue]:
    found = belonging.issues(there).filter(state=Issue.State.PAUSED)
    return list(found.order_by("slot")[:20])


def _resume(request: HttpRequest, key: int) -> str:
    issue = find(request, key, Right.SEND)
    control.resume(issue)
    return "It goes on."


def _lift(request: HttpRequest, key: int) -> str:
    must(request, Right.SEND, None)
    due = domain_pauses.lift_pause(
        get_object_or_404(PausedDomain.objects.select_related("relay"), pk=key), clock.now()
    )
    return f"Tried again: {due:,} waiting mails are due now."


def _poll(request: HttpRequest, key: int) -> str:
    known = belonging.sources(reach(request, Right.EDIT))
    polled = polling.poll(get_object_or_404(known, pk=key), clock.now())
    return polled.problem or f"It works again: {polled.new} new articles."


HELP: dict[str, Callable[[HttpRequest, int], str]] = {
    "resume": _resume,
    "lift": _lift,
    "poll": _poll,
}
