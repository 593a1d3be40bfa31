"""Webhooks: their URLs, events, status and recent deliveries."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache

from digest.console.access import record_action, scope_of
from digest.console.fields import NameField, PlaceField
from digest.console.pages import action_view, done, page_view, problems_on
from digest.console.programs.adding import AddForm, AddPage, remove_row
from digest.core import clock
from digest.newsletters.members import Right
from digest.webhooks import registry
from digest.webhooks.events import Event
from digest.webhooks.models import Webhook

RECENT_DELIVERIES = 5  # listed with each webhook


class WebhookForm(AddForm):
    """A new webhook. Its URL is checked by `webhooks.registry`."""

    name = NameField(example="crm")
    url = PlaceField(
        label="URL",
        help_text="Starts with https://, because subscribers' email addresses are sent to it.",
        example="https://crm.news.example/digest",
    )
    events = forms.MultipleChoiceField(
        choices=[(event.value, capfirst(event.label)) for event in Event],
        initial=list(Event),
        widget=forms.CheckboxSelectMultiple,
    )
    publication = forms.ChoiceField(required=False)
    offers_all = True


@action_view(Right.MANAGE)
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test to a webhook and show its answer."""
    webhook = _get(request, pk)
    with problems_on(request, title=webhook.name):
        status = registry.test(webhook, clock.now())
        record_action(request, "tested a webhook", webhook.name, webhook.publication_id)
        messages.success(request, f"Test sent: {webhook.name} answered {status}.")
    return redirect("webhooks")


@action_view(Right.MANAGE)
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    """Enable a webhook, or try it again now."""
    webhook = _get(request, pk)
    registry.enable(webhook)
    record_action(request, "enabled a webhook", webhook, webhook.publication_id)
    return done(request, f"{webhook.name} is enabled. It receives events from now on.", "webhooks")


@action_view(Right.MANAGE)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a webhook and its pending deliveries."""
    return remove_row(request, _get(request, pk), "webhook", "webhooks")


def _webhooks(request: HttpRequest) -> QuerySet[Webhook]:
    scope = scope_of(request, Right.MANAGE)
    return scope.filter(Webhook.objects.select_related("publication"), "publication_id")


def _get(request: HttpRequest, pk: int) -> Webhook:
    return get_object_or_404(_webhooks(request), pk=pk)


def _list(request: HttpRequest) -> dict[str, Any]:
    return {"webhooks": [_row(webhook) for webhook in _webhooks(request).order_by("name")]}


def _row(webhook: Webhook) -> dict[str, Any]:
    newest = webhook.deliveries.order_by("-pk")[:RECENT_DELIVERIES]
    return {
        "webhook": webhook,
        "events": [Event(event).label for event in webhook.events],
        "deliveries": [(row, clock.format_moment(row.at)) for row in newest],
        **asdict(registry.status_of(webhook)),
    }


def _create(request: HttpRequest, values: dict[str, Any]) -> dict[str, Any]:
    webhook, secret = registry.add(
        values["name"],
        values["url"],
        values["events"],
        now=clock.now(),
        publication=values["publication"],
    )
    action = f"added a webhook for {', '.join(webhook.events)}"
    record_action(request, action, webhook, webhook.publication_id)
    return {"webhook": webhook, "secret": secret}


_PAGE = AddPage("console/webhooks.html", "Webhooks", WebhookForm, _list, _create)
webhooks = page_view(Right.MANAGE)(_PAGE.show)
add = never_cache(action_view(Right.MANAGE)(_PAGE.add))
