"""The mailboxes that mail returns to: list, add, change, check, enable, disable, remove."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache

from digest.bounces.mailboxes import address, oauth, polling, registry
from digest.bounces.models import Mailbox
from digest.console.access import record_action
from digest.console.fields import KeyField, NameField, SecretField
from digest.console.pages import action_view, done, form_view, problems_on, render_page, report
from digest.core import clock
from digest.core.errors import DigestError
from digest.core.text import counted
from digest.newsletters.members import Right

RECENT = 10  # messages shown of a mailbox
SCHEMES = [
    ("imaps", "IMAP with TLS (port 993)"),
    ("imap", "IMAP with STARTTLS (port 143)"),
    ("pop3s", "POP with TLS (port 995)"),
    ("pop3", "POP with STARTTLS (port 110)"),
]


PROVIDERS = [("", "None: a password"), ("google", "Gmail"), ("microsoft", "Microsoft 365")]
OAUTH = ("oauth", "client_id", "client_secret", "refresh_token", "tenant")


class MailboxForm(forms.Form):
    """A new mailbox. Its password can be entered, but is never shown again."""

    name = NameField()
    scheme = forms.ChoiceField(label="Protocol", choices=SCHEMES)
    host = forms.CharField(
        max_length=253, widget=forms.TextInput(attrs={"placeholder": "imap.news.example"})
    )
    port = forms.IntegerField(
        required=False, min_value=1, max_value=65_535, help_text="Empty: the usual port."
    )
    user = KeyField(max_length=500)
    password = SecretField(required=False, max_length=2000, strip=False)
    folder = forms.CharField(
        required=False, max_length=100, help_text="For IMAP. Empty: the inbox."
    )
    move_to = forms.CharField(
        label="Move recorded messages to",
        required=False,
        max_length=100,
        help_text="A folder (IMAP). Empty: they are deleted.",
    )

    oauth = forms.ChoiceField(label="Provider", choices=PROVIDERS, required=False)
    client_id = forms.CharField(label="Client ID", required=False, max_length=500)
    client_secret = SecretField(required=False, max_length=2000)
    refresh_token = SecretField(
        required=False,
        max_length=5000,
        help_text="For Microsoft 365: empty if the application may read the mailbox by itself.",
    )
    tenant = forms.CharField(
        required=False, max_length=100, help_text="For Microsoft 365: the directory's ID."
    )

    def password_fields(self) -> list[forms.BoundField]:
        """Return the fields that every mailbox has."""
        return [field for field in self if field.name not in OAUTH]

    def oauth_fields(self) -> list[forms.BoundField]:
        """Return the fields that replace the password."""
        return [self[name] for name in OAUTH]

    def url(self) -> str:
        """Return the address that was entered; raises MailboxError."""
        values = dict(self.cleaned_data)
        values.pop("name", None)
        options = {name: values.pop(name) for name in OAUTH}
        return address.write_address(**values, oauth_options=options)


@never_cache
@form_view(Right.MANAGE, everywhere=True)
def mailboxes(request: HttpRequest) -> HttpResponse:
    """List the mailboxes; add one, or change the one that `?change=` names.

    Its server has to accept our login first.
    """
    changed = _changed(request)
    form = MailboxForm(request.POST or None, initial=_initial(changed) if changed else None)
    if changed:
        del form.fields["name"]
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            toast = _save(request, form, changed)
            return done(request, toast, "mailboxes")
    rows = [_row(mailbox) for mailbox in Mailbox.objects.order_by("name")]
    context = {"rows": rows, "form": form, "changed": changed}
    return render_page(request, "console/relays/mailboxes.html", "Mailboxes", context)


def _changed(request: HttpRequest) -> Mailbox | None:
    number = request.GET.get("change", "")
    return get_object_or_404(Mailbox, pk=number) if number.isdecimal() else None


def _save(request: HttpRequest, form: MailboxForm, changed: Mailbox | None) -> str:
    """Add or change a mailbox and say so; raises MailboxError."""
    url = form.url()
    number = registry.check_address(url)
    if changed:
        registry.change(changed, clock.now(), url=url)
        record_action(request, "changed a mailbox", changed)
        return f"{changed.name} is saved. It has {counted(number, 'message')} now."
    mailbox = registry.add(form.cleaned_data["name"], url, clock.now())
    record_action(request, "added a mailbox", mailbox)
    return f"{mailbox.name} is polled every minute. It has {counted(number, 'message')} now."


def _initial(mailbox: Mailbox) -> dict[str, Any]:
    """Return what the form shows of a mailbox: no password, no secret, no token."""
    try:
        stored = registry.address_of(mailbox)
    except DigestError:  # sealed with another key: everything is entered again
        return {}
    names = ("scheme", "host", "port", "user", "move_to")
    values = {name: getattr(stored, name) for name in names}
    values["folder"] = stored.folder if stored.is_imap else ""
    if stored.grant:
        kind = "google" if stored.grant.token_url == oauth.GOOGLE else "microsoft"
        values |= {"oauth": kind, "client_id": stored.grant.client_id}
    return values


@action_view(Right.MANAGE, everywhere=True)
def poll(request: HttpRequest, pk: int) -> HttpResponse:
    """Poll a mailbox now and show what came of it."""
    polled = polling.poll(get_object_or_404(Mailbox, pk=pk), clock.now())
    record_action(request, "polled a mailbox", polled.mailbox)
    if polled.problem:
        messages.error(request, polled.problem)
    else:
        toast = f"{counted(polled.messages, 'new message')}, {polled.recorded:,} recorded."
        messages.success(request, toast)
    return redirect("mailboxes")


@action_view(Right.MANAGE, everywhere=True)
def switch(request: HttpRequest, pk: int, *, active: bool) -> HttpResponse:
    """Poll a mailbox, or do not until it is enabled again."""
    mailbox = get_object_or_404(Mailbox, pk=pk)
    state = "enabled" if active else "disabled"

    def change() -> str:
        registry.change(mailbox, clock.now(), active=active)
        record_action(request, f"{state} a mailbox", mailbox)
        return f"{mailbox.name} is {state}."

    report(request, change)
    return redirect("mailboxes")


@action_view(Right.MANAGE, everywhere=True)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a mailbox here; its messages stay on its server."""
    mailbox = get_object_or_404(Mailbox, pk=pk)
    mailbox.delete()
    record_action(request, "removed a mailbox", mailbox.name)
    return done(request, f"{mailbox.name} was removed.", "mailboxes")


def _row(mailbox: Mailbox) -> dict[str, Any]:
    return {
        "mailbox": mailbox,
        "place": registry.describe(mailbox),
        "polled": clock.format_moment(mailbox.polled_at) if mailbox.polled_at else "never",
        "recent": [
            (clock.format_moment(message.at), message.outcome, message.message_id)
            for message in mailbox.messages.order_by("-at")[:RECENT]
        ],
    }
