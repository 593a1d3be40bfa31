"""Who mail comes from, and where it is handed over: a relay is asked before it is kept."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from digest.console.access import right_required
from digest.console.setup.forms import NEW, SenderForm
from digest.console.setup.steps import Step
from digest.console.setup.views import asked_or_told, find, page
from digest.core import clock
from digest.core.errors import ConfigurationError, DigestError
from digest.doctor.checks import check_sender_domain
from digest.newsletters import setup
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.relays import assignment, probe, registry, routes
from digest.relays.models import Relay
from digest.relays.transports import write_url
from digest.relays.transports.base import AddressParts


@asked_or_told
@never_cache
@right_required(Right.MANAGE, everywhere=True)
def sender(request: HttpRequest, pk: int) -> HttpResponse:
    """Say who mail comes from and which relay takes it; the relay has to let us in."""
    publication, relays = find(request, pk), _relays()
    known = {str(relay.pk): relay for relay in relays}
    choices = [(key, _named(relay)) for key, relay in known.items()]
    form = SenderForm(request.POST or None, relays=choices, initial=_there(publication, relays))
    problem: DigestError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            _keep(publication, known.get(form.cleaned_data["relay"]), form.cleaned_data)
        except DigestError as refused:
            problem = refused
        else:
            return redirect("setup:checked", pk)
    return page(
        request,
        Step.SENDER,
        publication,
        form=form,
        problem=problem,
        hint=probe.advice_for(problem) if problem else "",
        mailboxes={key: registry.mailbox_url(relay) for key, relay in known.items()},
    )


@require_safe
@never_cache
@right_required(Right.MANAGE, everywhere=True)
def checked(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the relay once more, and say what it said."""
    publication = find(request, pk)
    relay = relay_of(publication)
    greeting, problem = "", None
    try:
        greeting = probe.check_address(registry.url_of(relay)) if relay else ""
    except DigestError as refused:
        problem = refused
    return page(
        request,
        Step.SENDER,
        publication,
        template="checked",
        relay=relay,
        place=registry.describe(relay) if relay else "",
        mailbox=registry.mailbox_url(relay) if relay else "",
        greeting=greeting,
        problem=problem,
        hint=probe.advice_for(problem) if problem else "",
    )


@require_safe
@right_required(Right.MANAGE, everywhere=True)
def domain(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what DNS knows of the sender's domain; takes a few seconds where DNS is slow."""
    name = routes.sender_domain(find(request, pk).sender_email)
    found = list(check_sender_domain(name, clock.now()))
    return render(request, "console/setup/findings.html", {"findings": found, "domain": name})


def _keep(publication: Publication, relay: Relay | None, given: dict[str, Any]) -> None:
    """Ask the relay, then keep it with the sender; raises what is wrong, having kept nothing."""
    url = registry.url_of(relay) if relay else _address(given)
    probe.check_address(url)
    with transaction.atomic():
        setup.change_publication(
            publication, sender_name=given["sender_name"], sender_email=given["sender_email"]
        )
        if relay:
            assignment.assign_domain(relay, publication.sender_email)
        else:
            name = slugify(given["host"].replace(".", "-"))[: registry.MAX_NAME_LENGTH] or "relay"
            assignment.set_up_relay(name, url, publication.sender_email)


def _address(given: dict[str, Any]) -> str:
    parts = AddressParts(
        host=given["host"],
        port=given["port"],
        security=given["security"],
        user=given["user"],
        password=given["password"],
    )
    return write_url("smtp", parts)


def _there(publication: Publication, relays: list[Relay]) -> dict[str, Any]:
    carrier = assignment.relay_for_sender(publication.sender_email, relays)
    return {
        "sender_name": publication.sender_name,
        "sender_email": publication.sender_email,
        "relay": str(carrier.pk) if carrier else NEW,
    }


def _relays() -> list[Relay]:
    try:
        return registry.active_relays()
    except ConfigurationError:  # there is none yet
        return []


def relay_of(publication: Publication) -> Relay | None:
    """Return the relay that takes a publication's mail, if there is one."""
    return assignment.relay_for_sender(publication.sender_email, _relays())


def _named(relay: Relay) -> str:
    if registry.mailbox_url(relay):
        return "The mailbox for trying out"
    return f"{registry.describe(relay)}" + (", as set up" if relay.name == registry.DEFAULT else "")
