"""Memberships: connect Stripe, enter its secret, say which tier a price gives, disconnect."""

from typing import Any

from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from digest.console.access import has_right, record_action, require_right, scope_of
from digest.console.memberships.forms import ConnectForm, SecretForm, TiersForm
from digest.console.pages import action_view, done, page_view, problems_on, render_page
from digest.core import clock
from digest.entitlements import reading, receiving, registry
from digest.entitlements.models import StripeAccount
from digest.newsletters.members import Right

RECENT_EVENTS = 10
RULE = "tier-of-"  # before the reference, in the names of fields


@page_view(Right.EDIT)
def memberships(request: HttpRequest) -> HttpResponse:
    """Show the accounts with their tiers, and what Stripe reported lately."""
    return _page(request)


@action_view(Right.MANAGE)
def connect(request: HttpRequest) -> HttpResponse:
    """Connect Stripe to a publication."""
    form = ConnectForm(scope_of(request, Right.MANAGE).publications(), request.POST)
    with problems_on(form):
        if form.is_valid():
            publication = form.cleaned_data["publication"]
            require_right(request, Right.MANAGE, publication.pk)
            registry.connect(publication, clock.now(), form.cleaned_data["attribute"])
            record_action(request, "connected Stripe", publication, publication.pk)
            return done(request, "Now add the endpoint in Stripe, as described.", "memberships")
    return _page(request, {"connect": form})


@action_view(Right.MANAGE)
def save_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Store the signing secret of an account's endpoint."""
    account = _get(request, pk, Right.MANAGE)
    form = SecretForm(account, request.POST)
    with problems_on(form, "secret"):
        if form.is_valid():
            registry.change(account, secret=form.cleaned_data["secret"])
            record_action(request, "entered the secret of Stripe", account, account.publication_id)
            return done(request, "The signing secret was saved.", "memberships")
    return _page(request, {f"secret-{pk}": form})


@action_view(Right.EDIT)
def save_tiers(request: HttpRequest, pk: int) -> HttpResponse:
    """Store which tier each price gives, and set those of all customers again."""
    account = _get(request, pk, Right.EDIT)
    form = TiersForm(account, request.POST)
    with problems_on(form):
        if form.is_valid():
            _change_tiers(request, account, form.cleaned_data)
            record_action(request, "changed tiers of Stripe", account, account.publication_id)
            account.refresh_from_db()
            outcome = "set" if account.settled_to is None else "are being set"
            toast = f"The tiers were saved, and {outcome} for everybody who pays."
            return done(request, toast, "memberships")
    return _page(request, {f"tiers-{pk}": form})


@action_view(Right.MANAGE)
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget an account, its customers and their tiers."""
    account = _get(request, pk, Right.MANAGE)
    publication = account.publication
    is_gone = registry.disconnect(account)
    record_action(request, "disconnected Stripe", publication, publication.pk)
    outcome = "was" if is_gone else "is being"
    return done(request, f"Stripe {outcome} disconnected from {publication}.", "memberships")


def _change_tiers(request: HttpRequest, account: StripeAccount, values: dict[str, Any]) -> None:
    """Store all rules: those that the form shows, and the one that it adds."""
    rules = {
        reference: request.POST.get(f"{RULE}{reference}", tier)
        for reference, tier in registry.references_of(account).items()
    }
    if values["reference"]:
        rules[values["reference"]] = values["reference_tier"]
    registry.change(
        account,
        tier_without=values["tier_without"],
        has_grace=values["has_grace"],
        rules={reference: tier for reference, tier in rules.items() if tier},
    )


def _accounts(request: HttpRequest, right: Right) -> QuerySet[StripeAccount]:
    rows = StripeAccount.objects.select_related("publication", "attribute")
    return scope_of(request, right).filter(rows, "publication_id").order_by("publication__name")


def _get(request: HttpRequest, pk: int, right: Right) -> StripeAccount:
    return get_object_or_404(_accounts(request, right), pk=pk)


def _page(request: HttpRequest, forms: dict[str, Form] | None = None) -> HttpResponse:
    forms = forms or {}
    publications = scope_of(request, Right.MANAGE).publications()
    context = {
        "accounts": [_row(request, row, forms) for row in _accounts(request, Right.EDIT)],
        "connect": forms.get("connect") or ConnectForm(publications),
        "can_connect": publications.filter(stripe_account=None).exists() or "connect" in forms,
        "kinds": reading.KINDS,
    }
    template, status = "console/memberships.html", 422 if forms else 200
    return render_page(request, template, "Memberships", context, status=status)


def _row(request: HttpRequest, account: StripeAccount, forms: dict[str, Form]) -> dict[str, Any]:
    events = account.events.order_by("-received_at", "-pk")[:RECENT_EVENTS]
    received_at = account.received_at
    return {
        "account": account,
        "address": receiving.address_of(account),
        "status": registry.status_of(account),
        "references": [
            (f"{RULE}{reference}", reference, tier)
            for reference, tier in sorted(registry.references_of(account).items())
        ],
        "events": [(event, clock.format_moment(event.received_at)) for event in events],
        "received": clock.format_moment(received_at) if received_at else "",
        "secret": forms.get(f"secret-{account.pk}") or SecretForm(account),
        "tiers": forms.get(f"tiers-{account.pk}") or TiersForm(account),
        "can_manage": has_right(request, Right.MANAGE, account.publication_id),
    }
