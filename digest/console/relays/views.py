"""The relays, each with its health and its limits; and the form that adds or changes one."""

from dataclasses import replace
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from digest.console.access import record_action, right_required
from digest.console.relays.forms import RelayForm
from digest.core import clock
from digest.core.errors import ConfigurationError, DigestError
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.relays import probe, registry, routes, warming
from digest.relays.errors import RelayDownError
from digest.relays.models import Relay

managers = right_required(Right.MANAGE, everywhere=True)


@require_safe
@managers
def relays(request: HttpRequest) -> HttpResponse:
    """Show every relay, and senders whose mail none of them takes."""
    context = {
        "title": "Relays",
        "relays": [_shown(one) for one in registry.all_relays()],
        "stranded": _stranded(),
    }
    return _page(request, "relays", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@managers
def add(request: HttpRequest) -> HttpResponse:
    """Take on a relay; one that does not let us in is kept switched off."""
    form = RelayForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            _take_on(request, form)
        except DigestError as problem:
            form.add_error(None, str(problem))
        else:
            return redirect("relays")
    return _page(request, "relay", {"title": "A new relay", "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@managers
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a relay; a new address has to let us in before the old one is given up."""
    relay = get_object_or_404(Relay, pk=pk)
    form = RelayForm(request.POST or None, relay=relay)
    if request.method == "POST" and form.is_valid():
        try:
            url, terms = form.address(), form.terms(_today())
            if url and relay.name != registry.DEFAULT:
                probe.check_address(url)
            registry.change(relay, url, terms)
        except DigestError as problem:
            form.add_error(None, f"{problem} {probe.advice_for(problem)}".strip())
        else:
            record_action(request, "changed a relay" + (" and its address" if url else ""), relay)
            messages.success(request, f"{relay.name} is changed.")
            return redirect("relays")
    context = {"title": f"The relay {relay.name}", "form": form, "relay": relay}
    place = {"place": registry.describe(relay), "ours": relay.name == registry.DEFAULT}
    return _page(request, "relay", context | place)


def _take_on(request: HttpRequest, form: RelayForm) -> None:
    """Knock at a new relay and keep it; one that refuses us carries nothing until it is mended."""
    url, terms, refusal = form.address(), form.terms(_today()), ""
    try:
        greeting = probe.check_address(url)
    except RelayDownError as problem:
        refusal = f"{problem} {probe.advice_for(problem)}".strip()
    made = registry.add(form.cleaned_data["name"], url, replace(terms, active=not refusal))
    record_action(request, "added a relay", made)
    if refusal:
        messages.warning(
            request, f"{made.name} is kept, switched off, for it refused us: {refusal}"
        )
    else:
        messages.success(request, f"Mail goes through {made.name} from now on. It said: {greeting}")


def _shown(relay: Relay) -> dict[str, Any]:
    now, slow = clock.now(), registry.warming_of(relay)
    paused = relay.paused_domains.filter(until__gt=now).order_by("domain")
    return {
        "relay": relay,
        "place": registry.describe(relay),
        "state": _state(relay),
        "since": clock.format_moment(relay.down_since) if relay.down_since else "",
        "again": clock.in_words(relay.retry_at - now)
        if relay.retry_at and relay.is_backing_off(now)
        else "",
        "slow": slow,
        "today": warming.allowance(slow, now.date()) if slow else None,
        "limits": sorted(
            relay.domain_limits.items(), key=lambda one: (one[0] == registry.OTHER_DOMAINS, one[0])
        ),
        "paused": [(one, clock.format_moment(one.until)) for one in paused],
        "ours": relay.name == registry.DEFAULT,
    }


def _state(relay: Relay) -> str:
    if not relay.active:
        return "off"
    return "down" if relay.down_since else "up"


def _stranded() -> list[str]:
    """Return the senders' domains whose mail no relay takes."""
    domains = {routes.sender_domain(one.sender_email) for one in Publication.objects.all()}
    try:
        return sorted(routes.domains_without_relay(domains, registry.active_relays()))
    except ConfigurationError:
        return sorted(domains)


def _today() -> Any:
    return clock.now().date()


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    base = admin.site.each_context(request)
    return render(request, f"console/relays/{name}.html", base | context)
