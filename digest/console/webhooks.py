"""Webhooks: which addresses are told what happens, and how they are doing."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from digest.console.access import record_action, require_right, right_required, scope_of
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters.members import Right
from digest.tenancy.scope import EVERYTHING, PublicationScope
from digest.webhooks import registry
from digest.webhooks.models import Event, Webhook

SHOWN = 5  # of the newest words of each webhook
EVERY_PUBLICATION = ("", "Every publication")


class WebhookForm(forms.Form):
    """A new webhook. Whether the address will do is asked where it is made."""

    name = forms.SlugField(
        max_length=64,
        help_text="Small letters, digits and hyphens.",
        widget=forms.TextInput(attrs={"placeholder": "crm", "autocomplete": "off"}),
    )
    url = forms.CharField(
        label="Address",
        max_length=2000,
        help_text="It is told subscribers' mail addresses, so it begins with https://.",
        widget=forms.TextInput(
            attrs={"placeholder": "https://crm.news.example/digest", "inputmode": "url"}
        ),
    )
    events = forms.MultipleChoiceField(
        label="It is told when", choices=Event, widget=forms.CheckboxSelectMultiple
    )
    publication = forms.ChoiceField(label="Of what happens in", required=False)

    def __init__(self, scope: PublicationScope, said: Any = None) -> None:
        super().__init__(said, initial={"events": list(Event)})
        known = scope.publications().order_by("name")
        choice: Any = self.fields["publication"]
        choice.choices = [
            *known.values_list("pk", "name"),
            *([EVERY_PUBLICATION] if scope.is_everything else []),
        ]


@require_safe
@right_required(Right.MANAGE)
def webhooks(request: HttpRequest) -> HttpResponse:
    """List the webhooks, and what each was told last."""
    return _page(request)


@never_cache
@require_POST
@right_required(Right.MANAGE)
def add(request: HttpRequest) -> HttpResponse:
    """Add a webhook; the secret that it signs with is on this page and never again."""
    form = WebhookForm(scope_of(request, Right.MANAGE), request.POST)
    if not form.is_valid():
        return _page(request, form=form)
    said, where = form.cleaned_data, int(form.cleaned_data["publication"] or 0) or None
    require_right(request, Right.MANAGE, where)
    try:
        webhook, secret = registry.add(
            said["name"],
            said["url"],
            said["events"],
            now=clock.now(),
            publication=EVERYTHING.publications().get(pk=where) if where else None,
        )
    except DigestError as problem:
        form.add_error(None, str(problem))
        return _page(request, form=form)
    record_action(request, f"added a webhook for {', '.join(webhook.events)}", webhook, where)
    return _page(request, made=webhook, secret=secret)


@require_POST
@right_required(Right.MANAGE)
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a webhook a test now, and say what it answered."""
    webhook = _find(request, pk)
    try:
        status = registry.test(webhook, clock.now())
    except DigestError as problem:
        messages.error(request, f"{webhook.name}: {problem}")
    else:
        messages.success(request, f"{webhook.name} answered {status} to the test.")
    return redirect("webhooks")


@require_POST
@right_required(Right.MANAGE)
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a webhook be told again."""
    webhook = _find(request, pk)
    registry.enable(webhook)
    record_action(request, "enabled a webhook", webhook, webhook.publication_id)
    messages.success(request, f"{webhook.name} is told again of what happens from now on.")
    return redirect("webhooks")


@require_POST
@right_required(Right.MANAGE)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a webhook, and what it was still to be told."""
    webhook = _find(request, pk)
    webhook.delete()
    record_action(request, "removed a webhook", webhook.name, webhook.publication_id)
    messages.success(request, f"{webhook.name} is told nothing any more.")
    return redirect("webhooks")


def _known(request: HttpRequest) -> Any:
    scope = scope_of(request, Right.MANAGE)
    return scope.filter(Webhook.objects.select_related("publication"), "publication_id")


def _find(request: HttpRequest, pk: int) -> Webhook:
    found: Webhook = get_object_or_404(_known(request), pk=pk)
    return found


def _page(request: HttpRequest, **shown: Any) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "Webhooks",
        "webhooks": [_row(one) for one in _known(request).order_by("name")],
        "form": WebhookForm(scope_of(request, Right.MANAGE)),
        **shown,
    }
    return render(request, "console/webhooks.html", context)


def _row(webhook: Webhook) -> dict[str, Any]:
    newest = webhook.deliveries.order_by("-pk")[:SHOWN]
    return {
        "webhook": webhook,
        "events": [Event(one).label for one in webhook.events],
        "words": [(one, clock.format_moment(one.at)) for one in newest],
        **asdict(registry.status_of(webhook)),
    }
