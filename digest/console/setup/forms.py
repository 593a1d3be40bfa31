"""The forms of the first run. The rules are checked where the values are saved."""

import json
from collections.abc import Sequence
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from digest.accounts.models import User
from digest.console.fields import PlaceField, WebAddressField
from digest.core import addresses
from digest.core.errors import InvalidAddressError
from digest.newsletters.choices import Approval
from digest.newsletters.models import COLOUR, REVIEW_MINUTES, Tracking
from digest.newsletters.reading import DAYS
from digest.relays.transports.smtp import Security

NEW = "new"  # instead of an existing relay
PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
_ONE_LINE = RegexValidator(r"\A[^\r\n]*\Z", "Only one line.")


def zones() -> list[tuple[str, str]]:
    """Return the time zones of places by name, and UTC."""
    places = {name for name in available_timezones() if "/" in name and not name.startswith("Etc/")}
    return [(name, name.replace("_", " ")) for name in ["UTC", *sorted(places)]]


def _radio_field(
    label: str, choices: Sequence[tuple[str, str]], help_text: str
) -> forms.ChoiceField:
    """Return a field with a radio button for each choice; the first is chosen."""
    return forms.ChoiceField(
        label=label,
        widget=forms.RadioSelect,
        choices=choices,
        initial=choices[0][0],
        help_text=help_text,
    )


class AddressField(forms.CharField):
    """An email address, checked by `core.addresses`."""

    widget = forms.EmailInput

    def clean(self, value: Any) -> str:
        """Return the address as people write it."""
        text = super().clean(value)
        try:
            return addresses.parse(text).email if text else ""
        except InvalidAddressError as problem:
            raise ValidationError(str(problem)) from problem


class AccountForm(forms.Form):
    """The first account, an owner."""

    code = forms.CharField(
        label="Setup code", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    email = AddressField(
        label="Your email address",
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
        help_text="You sign in with it, and the first test mail is sent to it.",
    )
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
        help_text="At least 12 characters. Several unrelated words make a good password.",
    )
    password_repeat = forms.CharField(
        label="Repeat password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
    )

    def clean(self) -> dict[str, Any]:
        """Check the password with the validators of the settings."""
        values = super().clean() or {}
        password = values.get("password")
        if password and values.get("password_repeat") and values["password_repeat"] != password:
            self.add_error("password_repeat", "The passwords do not match.")
        if password:
            try:
                validate_password(password, User(email=values.get("email", "")))
            except ValidationError as problem:
                self.add_error("password", problem)
        return values


class PublicationForm(forms.Form):
    """A publication, the brand that sends mail."""

    name = forms.CharField(
        max_length=200, widget=forms.TextInput(attrs={"placeholder": "The Saltmarsh Courier"})
    )
    url = WebAddressField(label="Website", example="https://courier.example")
    postal_address = forms.CharField(
        label="Postal address",
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "1 Quay Street\nSaltmarsh"}),
        help_text="Shown in the footer of every mail, as most countries require.",
    )
    logo_url = WebAddressField(
        label="Logo URL",
        required=False,
        help_text="A PNG or JPEG, at least 480 pixels wide. Without a logo, the name is shown.",
    )
    accent = forms.CharField(
        label="Colour",
        initial="#1d4e89",
        validators=[COLOUR],
        widget=forms.TextInput(attrs={"type": "color"}),
    )
    accent_dark = forms.CharField(
        label="Colour in dark mode",
        initial="#8ab8e6",
        help_text="If you leave it as it is, it is made from the colour.",
        validators=[COLOUR],
        widget=forms.TextInput(attrs={"type": "color"}),
    )
    language = forms.ChoiceField(choices=lambda: settings.LANGUAGES, initial="en")
    timezone = forms.ChoiceField(label="Time zone", choices=zones, initial="UTC")
    tracking = _radio_field(
        "What should be counted of clicks?",
        [
            (Tracking.AGGREGATE, "How many people click each link, not who (recommended)"),
            (Tracking.INDIVIDUAL, "Who clicks each link; sign-up forms say so"),
            (Tracking.NONE, "Nothing"),
        ],
        "Statistics, popular articles and sponsors' reports need clicks to be counted.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("language", "timezone"):
            offer(self, name)


class SenderForm(forms.Form):
    """The sender of mail, and the mail server that accepts it."""

    sender_name = forms.CharField(label="Name", max_length=200)
    sender_email = AddressField(
        label="Email address", help_text="Use a domain you own, so that recipients recognise you."
    )
    relay = forms.ChoiceField(label="Mail server", widget=forms.RadioSelect)
    host = forms.CharField(
        required=False,
        max_length=253,
        widget=forms.TextInput(attrs={"placeholder": "smtp.provider.example"}),
    )
    security = forms.ChoiceField(
        label="Encryption",
        required=False,
        initial=Security.STARTTLS,
        widget=forms.Select(
            attrs={"x-init": "security = $el.value", "x-on:change": "security = $el.value"}
        ),
        choices=[
            (Security.STARTTLS, "STARTTLS"),
            (Security.TLS, "TLS"),
            (Security.NONE, "None (only within your own network)"),
        ],
    )
    port = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=65_535,
        widget=forms.NumberInput(attrs={"x-bind:placeholder": f"{json.dumps(PORTS)}[security]"}),
    )
    user = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password = forms.CharField(
        required=False,
        max_length=2000,
        strip=False,
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, relays: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        choice: Any = self.fields["relay"]
        choice.choices = [*relays, (NEW, "Your own mail server")]

    def clean(self) -> dict[str, Any]:
        """Require a host for a new mail server, and fill in the usual port."""
        values = super().clean() or {}
        if values.get("relay") == NEW and not values.get("host", "").strip():
            self.add_error("host", "Enter the host of the mail server.")
        values["security"] = Security(values.get("security") or Security.STARTTLS)
        if "port" not in self.errors:
            values["port"] = values.get("port") or PORTS[values["security"]]
        return values


class SourceForm(forms.Form):
    """A source of articles."""

    url = PlaceField(label="Site URL", validators=[_ONE_LINE], example="courier.example")


class NewsletterForm(forms.Form):
    """The newsletter and its schedule."""

    name = forms.CharField(max_length=200)
    days = forms.TypedMultipleChoiceField(
        label="Send on",
        coerce=int,
        choices=[(number, day.capitalize()) for number, day in enumerate(DAYS)],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one day."},
    )
    at = forms.TimeField(label="At", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    timezone = forms.ChoiceField(label="Time zone", choices=zones)
    max_stories = forms.IntegerField(
        label="Maximum stories",
        min_value=1,
        max_value=100,
        initial=10,
        help_text="The newest stories, each once. If nothing is new, nothing is sent.",
    )
    approval = _radio_field(
        "Before an issue is sent",
        [
            (Approval.ANYONE, "Review first (recommended)"),
            (Approval.NONE, "Send automatically"),
        ],
        (
            f"With review, an issue is ready {REVIEW_MINUTES} minutes before its time. You check "
            "and change it on its page, and one person approves it. Without an approval, it is "
            "not sent."
        ),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        offer(self, "timezone")
        if self.initial.get("approval") == Approval.OTHER:
            choice: Any = self.fields["approval"]
            choice.choices = [(Approval.OTHER, Approval.OTHER.label), *choice.choices]


class TestForm(forms.Form):
    """The recipient of the test mail."""

    to = AddressField(label="Send to")


def offer(form: forms.Form, name: str) -> None:
    """Add the current value to the choices, if it is not among them."""
    choice: Any = form.fields[name]
    value = form.initial.get(name, "")
    if value and value not in {key for key, _ in choice.choices}:
        choice.choices = [(value, value), *choice.choices]
