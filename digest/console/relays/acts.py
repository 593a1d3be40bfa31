"""The relays' buttons: look, switch off and on, forget, try a domain again."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from digest.console.access import record_action
from digest.console.relays.views import managers
from digest.core import clock
from digest.core.errors import DigestError
from digest.core.findings import Level
from digest.doctor.relays import check_relay
from digest.relays import registry
from digest.relays.models import PausedDomain, Relay
from digest.relays.registry import RelayOptions
from digest.sending import domain_pauses

_HOW = {Level.OK: messages.SUCCESS, Level.WARN: messages.WARNING, Level.FAIL: messages.ERROR}


@require_POST
@managers
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Be let in by a relay, say goodbye, and tell what it said; no mail is handed over."""
    for found in check_relay(get_object_or_404(Relay, pk=pk)):
        messages.add_message(request, _HOW[found.level], f"{found.what} {found.advice}".strip())
    return redirect("relays")


@require_POST
@managers
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand no mail to a relay until it is switched on again."""
    relay = get_object_or_404(Relay, pk=pk)
    registry.change(relay, "", RelayOptions(active=False))
    record_action(request, "switched a relay off", relay)
    messages.success(request, f"{relay.name} is switched off: nothing is handed over to it.")
    return redirect("relays")


@require_POST
@managers
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Use a relay again."""
    relay = get_object_or_404(Relay, pk=pk)
    registry.change(relay, "", RelayOptions(active=True))
    record_action(request, "switched a relay on", relay)
    messages.success(request, f"{relay.name} is in use again.")
    return redirect("relays")


@require_POST
@managers
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a relay, its address with it."""
    relay = get_object_or_404(Relay, pk=pk)
    try:
        registry.remove(relay)
    except DigestError as problem:
        messages.error(request, str(problem))
    else:
        record_action(request, "removed a relay", relay.name)
        messages.success(request, f"{relay.name} is forgotten.")
    return redirect("relays")


@require_POST
@managers
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Try a domain again that a relay leaves alone."""
    paused = get_object_or_404(PausedDomain.objects.select_related("relay"), pk=pk)
    due = domain_pauses.lift_pause(paused, clock.now())
    record_action(request, f"tried {paused.domain} again", paused.relay)
    said = f"{paused.domain} is tried again: {due:,} waiting mails are due now."
    messages.success(request, said)
    return redirect("relays")
