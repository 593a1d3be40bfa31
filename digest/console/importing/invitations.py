"""Invite one subscriber by mail.

It is mail from the publication's domain to anybody, so it takes the right to send, and one user
sends only so many. Nobody is asked who has left.
"""

import redis
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from digest.accounts.models import User
from digest.console.access import record_action, scope_of, user_of
from digest.console.importing.forms import with_newsletters
from digest.console.pages import form_view, problems_on, render_page
from digest.console.setup.forms import AddressField
from digest.core import addresses, clock
from digest.core.addresses import Address
from digest.core.rate_limits import limiter, parse_limit
from digest.core.text import counted
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.newsletters.publicity.states import NewsletterState
from digest.selfservice import signups
from digest.subscribers.errors import SubscriberError
from digest.subscribers.hashing import stored_forms
from digest.subscribers.models import Subscription
from digest.subscribers.suppression import suppressions_for

VIA = "console"
_NOT_INVITED = (
    "No mail was sent: the address is suppressed or was erased, or it was asked to confirm "
    "something within the last hour or several times today."
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


@form_view(Right.SEND)
def invite(request: HttpRequest) -> HttpResponse:
    """Ask a person by mail to confirm a subscription."""
    newsletters = scope_of(request, Right.SEND).newsletters()
    form = with_newsletters(InviteForm(request.POST or None), newsletters)
    if request.method == "POST" and form.is_valid():
        with problems_on(form, "email"):
            return _invite(request, form)
    context = {"form": form, "any": newsletters.exists()}
    return render_page(request, "console/invite.html", "Invite subscriber", context)


def _invite(request: HttpRequest, form: forms.Form) -> HttpResponse:
    values = form.cleaned_data
    newsletter, address = values["newsletter"], addresses.parse(values["email"])
    _refuse_impossible(newsletter, address)
    _count(user_of(request))
    notice = None
    if not _is_suppressed(newsletter, address):
        notice = signups.invite(
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
    if notice:
        messages.success(request, f"Invitation sent to {address.email}.")
    else:
        messages.warning(request, _NOT_INVITED)
    return redirect("subscribers")


def _refuse_impossible(newsletter: Newsletter, address: Address) -> None:
    """Raise SubscriberError for a newsletter that is closed, and for who has left it."""
    if newsletter.state == NewsletterState.CLOSED:
        raise SubscriberError(f"{newsletter.name} is closed: nobody can join it.")
    rows = Subscription.objects.filter(newsletter=newsletter, subscriber__address_key=address.key)
    if rows.filter(state=Subscription.State.UNSUBSCRIBED).exists():
        raise SubscriberError(
            f"{address.email} has unsubscribed from {newsletter.name}: only they themselves can "
            "subscribe again."
        )


def _is_suppressed(newsletter: Newsletter, address: Address) -> bool:
    """Say whether an address must not be mailed, or left before its list came here."""
    rows = suppressions_for(newsletter.pk)
    return rows.filter(address_key__in=stored_forms(address.key)).exists()


def _count(by: User) -> None:
    """Count an invitation of a user; raise SubscriberError if it is one too many."""
    limit = parse_limit(settings.DIGEST_INVITE_LIMIT, "DIGEST_INVITE_LIMIT")
    invitations = limiter("subscriber-invitations")
    try:
        if invitations.hit(limit, str(by.pk)):
            return
        minutes = -(-invitations.seconds_left(limit, str(by.pk)) // 60)
    except redis.RedisError as cause:
        raise SubscriberError(
            "Invitations cannot be counted at the moment. Try again soon."
        ) from cause
    raise SubscriberError(f"You have sent many. Try again in {counted(minutes, 'minute')}.")
