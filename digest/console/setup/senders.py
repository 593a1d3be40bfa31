"""The sender and its mail server; a mail server is checked before it is saved."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.cache import never_cache

from digest.console.access import record_action, user_of
from digest.console.pages import form_view, page_view
from digest.console.setup.forms import NEW, SenderForm
from digest.console.setup.steps import Step
from digest.console.setup.views import get_publication, page
from digest.core import clock
from digest.core.errors import ConfigurationError, DigestError
from digest.doctor.checks import check_sender_domain
from digest.newsletters import contributions, setup
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.relays import assignment, probe, registry, routes
from digest.relays.models import Relay
from digest.relays.transports import write_url
from digest.relays.transports.base import AddressParts


@never_cache
@form_view(Right.MANAGE, everywhere=True)
def sender(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the sender and the mail server, which has to accept our connection."""
    publication, relays = get_publication(request, pk), _relays()
    relays_by_id = {str(relay.pk): relay for relay in relays}
    choices = [(key, _label(relay)) for key, relay in relays_by_id.items()]
    form = SenderForm(request.POST or None, relays=choices, initial=_initial(publication, relays))
    problem: DigestError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            with contributions.noted(user_of(request), publication):
                _save(publication, relays_by_id.get(form.cleaned_data["relay"]), form.cleaned_data)
            record_action(request, "set the sender and mail server", publication, publication.pk)
        except DigestError as error:
            problem = error
        else:
            return redirect("setup:checked", pk)
    return page(
        request,
        Step.SENDER,
        publication,
        form=form,
        problem=problem,
        hint=probe.advice_for(problem) if problem else "",
        mailboxes={key: registry.mailbox_url(relay) for key, relay in relays_by_id.items()},
    )


@never_cache
@page_view(Right.MANAGE, everywhere=True)
def checked(request: HttpRequest, pk: int) -> HttpResponse:
    """Check the mail server again, and show its answer."""
    publication = get_publication(request, pk)
    relay = relay_of(publication)
    greeting, problem = "", None
    try:
        greeting = probe.check_address(registry.url_of(relay)) if relay else ""
    except DigestError as error:
        problem = error
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


@page_view(Right.MANAGE, everywhere=True)
def domain(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the DNS records of the sender's domain; takes seconds where DNS is slow."""
    name = routes.sender_domain(get_publication(request, pk).sender_email)
    findings = list(check_sender_domain(name, clock.now()))
    return render(request, "console/setup/findings.html", {"findings": findings, "domain": name})


def _save(publication: Publication, relay: Relay | None, values: dict[str, Any]) -> None:
    """Check the mail server, then save it with the sender. Raises DigestError and saves nothing."""
    url = registry.url_of(relay) if relay else _address(values)
    probe.check_address(url)
    with transaction.atomic():
        setup.change_publication(
            publication, sender_name=values["sender_name"], sender_email=values["sender_email"]
        )
        if relay:
            assignment.assign_domain(relay, publication.sender_email)
        else:
            name = slugify(values["host"].replace(".", "-"))[: registry.MAX_NAME_LENGTH] or "relay"
            assignment.set_up_relay(name, url, publication.sender_email)


def _address(values: dict[str, Any]) -> str:
    parts = AddressParts(
        host=values["host"],
        port=values["port"],
        security=values["security"],
        user=values["user"],
        password=values["password"],
    )
    return write_url("smtp", parts)


def _initial(publication: Publication, relays: list[Relay]) -> dict[str, Any]:
    carrier = assignment.relay_for_sender(publication.sender_email, relays)
    return {
        "sender_name": publication.sender_name,
        "sender_email": publication.sender_email,
        "relay": str(carrier.pk) if carrier else NEW,
    }


def _relays() -> list[Relay]:
    try:
        return registry.active_relays()
    except ConfigurationError:  # none is set up
        return []


def relay_of(publication: Publication) -> Relay | None:
    """Return the relay that sends a publication's mail, if there is one."""
    return assignment.relay_for_sender(publication.sender_email, _relays())


def _label(relay: Relay) -> str:
    if registry.mailbox_url(relay):
        return "Local test mailbox"
    return f"{registry.describe(relay)}" + (
        ", set by the operator" if relay.name == registry.DEFAULT else ""
    )
