"""Subscribers brought along: a list as another system exports it, or one who asked by telephone."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from digest.console.access import record_action, right_required, scope_of
from digest.console.setup.forms import AddressField
from digest.core import addresses, clock
from digest.core.errors import DigestError
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.selfservice import signups
from digest.subscribers.importing import Report, import_csv

VIA = "console"
LARGEST = 30_000_000  # bytes: a million addresses take some 25
SHOWN = 50  # refused rows
_NOT_INVITED = (
    "No mail was sent: this address had one within the hour, or must not be mailed. Its page says "
    "which."
)


class ListForm(forms.Form):
    """A list, for which newsletter, and how its people agreed."""

    newsletter = forms.ModelChoiceField(Newsletter.objects.none(), empty_label=None)
    file = forms.FileField(
        label="The list",
        help_text="CSV, as your present system exports it: a column of addresses, and names if it "
        "has them. Up to 30 MB.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
    )
    consent = forms.CharField(
        label="How and when did these people agree to be mailed?",
        max_length=1000,
        widget=forms.Textarea(
            attrs={"rows": 2, "placeholder": "Signed up on our site since 2019, double opt-in"}
        ),
        help_text="Kept with each of them as evidence.",
    )

    def clean_file(self) -> Any:
        """Refuse what is better read from disk."""
        given: Any = self.cleaned_data["file"]
        if (given.size or 0) > LARGEST:
            raise forms.ValidationError(
                "It is larger than 30 MB. `digest subscriber import` reads lists of any size."
            )
        return given


class InviteForm(forms.Form):
    """One subscriber, who is asked to confirm."""

    newsletter = forms.ModelChoiceField(Newsletter.objects.none(), empty_label=None)
    email = AddressField(label="Address")
    name = forms.CharField(required=False, max_length=200)
    wording = forms.CharField(
        label="What they asked for, in their words",
        required=False,
        max_length=1000,
        widget=forms.TextInput(attrs={"placeholder": "asked by telephone"}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@right_required(Right.MANAGE)
def bring(request: HttpRequest) -> HttpResponse:
    """Import a list; who has left or must not be mailed stays away, whatever it says."""
    known = scope_of(request, Right.MANAGE).newsletters()
    form = _offering(ListForm(request.POST or None, request.FILES or None), known)
    report: Report | None = None
    if request.method == "POST" and form.is_valid():
        newsletter = form.cleaned_data["newsletter"]
        try:
            report = _taken(form.cleaned_data["file"], newsletter, form.cleaned_data["consent"])
        except DigestError as problem:
            form.add_error("file", str(problem))
        else:
            said = (
                f"imported {report.added:,} of {report.rows:,} subscribers into {newsletter.name}"
            )
            record_action(request, said, newsletter, newsletter.publication_id)
    context = {"title": "Bring a list along", "form": form, "any": known.exists()}
    return _page(request, "importing", context | (_said(report) if report else {}))


@require_http_methods(["GET", "HEAD", "POST"])
@right_required(Right.SUBSCRIBERS)
def invite(request: HttpRequest) -> HttpResponse:
    """Ask one person to confirm that they want a newsletter."""
    known = scope_of(request, Right.SUBSCRIBERS).newsletters()
    form = _offering(InviteForm(request.POST or None), known)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        newsletter, address = given["newsletter"], addresses.parse(given["email"])
        try:
            sent = signups.invite(
                address,
                [newsletter],
                via=VIA,
                now=clock.now(),
                name=given["name"],
                wording=given["wording"],
            )
        except DigestError as problem:
            form.add_error("email", str(problem))
        else:
            said = f"A mail asks {address.email} to confirm. Until then they receive nothing."
            record_action(
                request, f"invited to {newsletter.name}", address.email, newsletter.publication_id
            )
            (messages.success if sent else messages.warning)(
                request, said if sent else _NOT_INVITED
            )
            return redirect("subscribers")
    return _page(
        request, "invite", {"title": "Invite a subscriber", "form": form, "any": known.exists()}
    )


def _taken(given: Any, newsletter: Newsletter, consent: str) -> Report:
    with tempfile.NamedTemporaryFile(suffix=".csv") as kept:
        for chunk in given.chunks():
            kept.write(chunk)
        kept.flush()
        return import_csv(Path(kept.name), newsletter, consent=consent, now=clock.now())


def _said(report: Report) -> dict[str, Any]:
    reasons = Counter(refusal.reason for refusal in report.refusals)
    return {
        "report": report,
        "reasons": reasons.most_common(),
        "refusals": report.refusals[:SHOWN],
        "more": report.refused > len(report.refusals),
    }


def _offering(form: forms.Form, known: QuerySet[Newsletter]) -> forms.Form:
    choice: Any = form.fields["newsletter"]
    choice.queryset = known.order_by("name")
    return form


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    whole = admin.site.each_context(request) | context
    return render(request, f"console/{name}.html", whole)
