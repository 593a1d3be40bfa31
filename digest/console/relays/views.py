"""The mail servers, each with its health and its limits, and the form that adds or changes one."""

from dataclasses import replace
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache

from digest.bounces.providers.receiving import events_url
from digest.console.access import record_action
from digest.console.pages import done, form_view, page_view, problems_on, render_page
from digest.console.relays.forms import RelayForm
from digest.core import clock
from digest.core.errors import ConfigurationError, DigestError
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.relays import probe, registry, routes, warming
from digest.relays.errors import RelayDownError
from digest.relays.models import Relay

FORM_TEMPLATE = "console/relays/relay.html"


@page_view(Right.MANAGE, everywhere=True)
def relays(request: HttpRequest) -> HttpResponse:
    """Show every mail server, and the sender domains that have none."""
    context = {
        "rows": [_row(relay) for relay in registry.all_relays()],
        "domains_without_relay": _domains_without_relay(),
    }
    return render_page(request, "console/relays/relays.html", "Mail servers", context)


@never_cache
@form_view(Right.MANAGE, everywhere=True)
def add(request: HttpRequest) -> HttpResponse:
    """Add a mail server; if it rejects our connection, it is saved disabled."""
    form = RelayForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            _add(request, form)
            return redirect("relays")
    return render_page(request, FORM_TEMPLATE, "New mail server", {"form": form})


@never_cache
@form_view(Right.MANAGE, everywhere=True)
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a mail server; a new address has to accept our connection, or the old one stays."""
    relay = get_object_or_404(Relay, pk=pk)
    form = RelayForm(request.POST or None, relay=relay)
    if request.method == "POST" and form.is_valid():
        try:
            url, options = form.address(), form.relay_options(_today())
            if url and relay.name != registry.DEFAULT:
                probe.check_address(url)
            registry.change(relay, url, options)
        except DigestError as problem:
            form.add_error(None, f"{problem} {probe.advice_for(problem)}".strip())
        else:
            action = "changed a mail server" + (" and its address" if url else "")
            record_action(request, action, relay)
            return done(request, f"{relay.name} saved.", "relays")
    context = {
        "form": form,
        "relay": relay,
        "place": registry.describe(relay),
        "default": relay.name == registry.DEFAULT,
    }
    return render_page(request, FORM_TEMPLATE, f"Mail server {relay.name}", context)


def _add(request: HttpRequest, form: RelayForm) -> None:
    """Connect to a new mail server and save it; disabled, if it rejects the connection."""
    url, options, refusal = form.address(), form.relay_options(_today()), ""
    try:
        probe.check_address(url)
    except RelayDownError as problem:
        refusal = f"{problem} {probe.advice_for(problem)}".strip()
    name = form.cleaned_data["name"]
    relay = registry.add(name, url, replace(options, active=not refusal))
    record_action(request, "added a mail server", relay)
    if refusal:
        messages.warning(
            request, f"{name} is saved but disabled, because the connection failed. {refusal}"
        )
    else:
        messages.success(request, f"{name} is saved and sends mail.")


def _row(relay: Relay) -> dict[str, Any]:
    now, plan = clock.now(), registry.warming_of(relay)
    paused = relay.paused_domains.filter(until__gt=now).order_by("domain")
    backs_off = relay.retry_at and relay.is_backing_off(now)
    return {
        "relay": relay,
        "place": registry.describe(relay),
        "events_url": events_url(relay),
        "state": _state(relay),
        "since": clock.format_moment(relay.down_since) if relay.down_since else "",
        "retry": clock.in_words(relay.retry_at - now) if relay.retry_at and backs_off else "",
        "warming": plan,
        "today": warming.allowance(plan, now.date()) if plan else None,
        "limits": sorted(relay.domain_limits.items(), key=_other_domains_last),
        "paused": [(row, clock.format_moment(row.until)) for row in paused],
        "default": relay.name == registry.DEFAULT,
    }


def _other_domains_last(limit: tuple[str, int]) -> tuple[bool, str]:
    domain, _number = limit
    return domain == registry.OTHER_DOMAINS, domain


def _state(relay: Relay) -> str:
    if not relay.active:
        return "off"
    return "down" if relay.down_since else "up"


def _domains_without_relay() -> list[str]:
    """Return the sender domains that no active mail server accepts."""
    emails = Publication.objects.values_list("sender_email", flat=True)
    domains = {routes.sender_domain(email) for email in emails}
    try:
        return sorted(routes.domains_without_relay(domains, registry.active_relays()))
    except ConfigurationError:
        return sorted(domains)


def _today() -> date:
    return clock.now().date()
