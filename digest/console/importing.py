"""Import subscribers from a CSV file, or invite one by mail."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from digest.console.access import record_action, scope_of
from digest.console.pages import form_view, render_page
from digest.console.setup.forms import AddressField
from digest.core import addresses, clock
from digest.core.errors import DigestError
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.selfservice import signups
from digest.subscribers.importing import Report, import_csv

VIA = "console"
MAX_FILE_SIZE = 30_000_000  # bytes: a million addresses need about 25 million
LISTED_REFUSALS = 50
_NOT_INVITED = (
    "No mail was sent: the address is suppressed, or an invitation was sent within the last hour."
)


class ImportForm(forms.Form):
    """A CSV file, its newsletter, and how the subscribers consented."""

    newsletter = forms.ModelChoiceField(Newsletter.objects.none(), empty_label=None)
    file = forms.FileField(
        label="CSV file",
        help_text="An export of your current system, with a column of email addresses. Names are "
        "optional. Up to 30 MB.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
    )
    consent = forms.CharField(
        label="Consent: how and when did these people sign up?",
        max_length=1000,
        widget=forms.Textarea(
            attrs={"rows": 2, "placeholder": "Signed up on our site since 2019, double opt-in"}
        ),
        help_text="Stored with each subscriber as proof of consent.",
    )

    def clean_file(self) -> Any:
        """Reject a file that is too large for an upload."""
        file: Any = self.cleaned_data["file"]
        if (file.size or 0) > MAX_FILE_SIZE:
            raise forms.ValidationError(
                "This file is larger than 30 MB. Ask the operator to import it with "
                "`digest subscriber import`, which has no limit."
            )
        return file


class InviteForm(forms.Form):
    """One subscriber, who confirms by mail."""

    newsletter = forms.ModelChoiceField(Newsletter.objects.none(), empty_label=None)
    email = AddressField(label="Email address")
    name = forms.CharField(required=False, max_length=200)
    wording = forms.CharField(
        label="Note on consent",
        required=False,
        max_length=1000,
        widget=forms.TextInput(attrs={"placeholder": "asked by phone"}),
    )


@form_view(Right.MANAGE)
def import_subscribers(request: HttpRequest) -> HttpResponse:
    """Import a CSV file; unsubscribed and suppressed addresses are skipped."""
    newsletters = scope_of(request, Right.MANAGE).newsletters()
    form = _with_newsletters(ImportForm(request.POST or None, request.FILES or None), newsletters)
    report: Report | None = None
    if request.method == "POST" and form.is_valid():
        newsletter = form.cleaned_data["newsletter"]
        try:
            report = _import(form.cleaned_data["file"], newsletter, form.cleaned_data["consent"])
        except DigestError as problem:
            form.add_error("file", str(problem))
        else:
            action = (
                f"imported {report.added:,} of {report.rows:,} subscribers into {newsletter.name}"
            )
            record_action(request, action, newsletter, newsletter.publication_id)
    context = {"form": form, "any": newsletters.exists(), **(_result(report) if report else {})}
    return render_page(request, "console/importing.html", "Import subscribers", context)


@form_view(Right.SUBSCRIBERS)
def invite(request: HttpRequest) -> HttpResponse:
    """Ask a person by mail to confirm a subscription."""
    newsletters = scope_of(request, Right.SUBSCRIBERS).newsletters()
    form = _with_newsletters(InviteForm(request.POST or None), newsletters)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        newsletter, address = values["newsletter"], addresses.parse(values["email"])
        try:
            sent = signups.invite(
                address,
                [newsletter],
                via=VIA,
                now=clock.now(),
                name=values["name"],
                wording=values["wording"],
            )
        except DigestError as problem:
            form.add_error("email", str(problem))
        else:
            record_action(
                request, f"invited to {newsletter.name}", address.email, newsletter.publication_id
            )
            if sent:
                messages.success(request, f"Invitation sent to {address.email}.")
            else:
                messages.warning(request, _NOT_INVITED)
            return redirect("subscribers")
    context = {"form": form, "any": newsletters.exists()}
    return render_page(request, "console/invite.html", "Invite subscriber", context)


def _import(file: Any, newsletter: Newsletter, consent: str) -> Report:
    with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
        for chunk in file.chunks():
            copy.write(chunk)
        copy.flush()
        return import_csv(Path(copy.name), newsletter, consent=consent, now=clock.now())


def _result(report: Report) -> dict[str, Any]:
    reasons = Counter(refusal.reason for refusal in report.refusals)
    return {
        "report": report,
        "reasons": reasons.most_common(),
        "refusals": report.refusals[:LISTED_REFUSALS],
        "more": report.refused > len(report.refusals),
    }


def _with_newsletters(form: forms.Form, newsletters: QuerySet[Newsletter]) -> forms.Form:
    choice: Any = form.fields["newsletter"]
    choice.queryset = newsletters.order_by("name")
    return form
