"""The buttons of mail servers: check, disable, enable, remove, retry a paused domain."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from digest.console.access import record_action
from digest.console.pages import action_view, done, problems_on
from digest.core import clock
from digest.core.findings import Level
from digest.core.text import counted
from digest.doctor.relays import check_relay
from digest.newsletters.members import Right
from digest.relays import registry
from digest.relays.models import PausedDomain, Relay
from digest.relays.registry import RelayOptions
from digest.sending import domain_pauses

_MESSAGE_LEVELS = {
    Level.OK: messages.SUCCESS,
    Level.WARN: messages.WARNING,
    Level.FAIL: messages.ERROR,
}


@action_view(Right.MANAGE, everywhere=True)
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign in to a mail server and show its answer; no mail is sent."""
    relay = get_object_or_404(Relay, pk=pk)
    record_action(request, "tested a mail server", relay)
    for finding in check_relay(relay):
        text = f"{finding.summary} {finding.advice}".strip()
        messages.add_message(request, _MESSAGE_LEVELS[finding.level], text)
    return redirect("relays")


@action_view(Right.MANAGE, everywhere=True)
def switch(request: HttpRequest, pk: int, *, active: bool) -> HttpResponse:
    """Send no mail through a relay until it is enabled again, or enable it."""
    relay = get_object_or_404(Relay, pk=pk)
    registry.change(relay, "", RelayOptions(active=active))
    record_action(request, f"{'enabled' if active else 'disabled'} a mail server", relay)
    toast = f"{relay.name} is enabled." if active else _DISABLED % relay.name
    return done(request, toast, "relays")


_DISABLED = "%s is disabled. No mail is sent through it."


@action_view(Right.MANAGE, everywhere=True)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a relay with its address and password."""
    relay = get_object_or_404(Relay, pk=pk)
    with problems_on(request):
        registry.remove(relay)
        record_action(request, "removed a mail server", relay.name)
        messages.success(request, f"{relay.name} was removed.")
    return redirect("relays")


@action_view(Right.MANAGE, everywhere=True)
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Send to a paused domain again."""
    paused = get_object_or_404(PausedDomain.objects.select_related("relay"), pk=pk)
    due = domain_pauses.lift_pause(paused, clock.now())
    record_action(request, f"resumed sending to {paused.domain}", paused.relay)
    return done(
        request,
        f"Sending to {paused.domain} again. Due now: {counted(due, 'message')}.",
        "relays",
    )
