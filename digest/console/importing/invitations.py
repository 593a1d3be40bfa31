"""Invite one subscriber by mail."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from digest.console.access import record_action, scope_of
from digest.console.importing.forms import with_newsletters
from digest.console.pages import form_view, problems_on, render_page
from digest.console.setup.forms import AddressField
from digest.core import addresses, clock
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.selfservice import signups

VIA = "console"
_NOT_INVITED = (
    "No mail was sent: the address is suppressed, or an invitation was sent within the last hour."
)


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


@form_view(Right.SUBSCRIBERS)
def invite(request: HttpRequest) -> HttpResponse:
    """Ask a person by mail to confirm a subscription."""
    newsletters = scope_of(request, Right.SUBSCRIBERS).newsletters()
    form = with_newsletters(InviteForm(request.POST or None), newsletters)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        newsletter, address = values["newsletter"], addresses.parse(values["email"])
        with problems_on(form, "email"):
            sent = signups.invite(
                address,
                [newsletter],
                via=VIA,
                now=clock.now(),
                name=values["name"],
                wording=values["wording"],
            )
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
